import Link from 'next/link'
import type { ShownVersion } from '#lib/store/views/prompt-page.ts'
import { Chip } from '../../../_ui/badge.tsx'
import { Icon } from '../../../_ui/icons.tsx'
import { Plain } from '../../../_ui/plain.tsx'
import { bytes } from '../../../_ui/quantity-words.ts'
import { Cell, Row, Table } from '../../../_ui/table.tsx'
import { When } from '../../../_ui/when.tsx'
import { actorWords } from '../../_words/change-words.ts'
import { Labels } from '../../_words/labels.tsx'

const pageSize = 20

const columns = [
  { name: 'Version', width: 'w-[112px]' },
  { name: 'Labels now', width: 'w-[230px]' },
  { name: 'Commit message', width: '' },
  { name: 'Author', width: 'w-[150px]' },
  { name: 'Updated', width: 'w-[186px]' },
]

interface Props {
  /** Newest first. */
  versions: ShownVersion[]
  now: number
  /** Shows the versions below this one. */
  below: number | undefined
  hrefOf: (query: { below?: number; from?: number; to?: number }) => string
}

export function Versions({ versions, now, below, hrefOf }: Props) {
  const rest = below === undefined ? versions : versions.filter(({ version }) => version < below)
  const shown = rest.slice(0, pageSize)
  const last = shown.at(-1)
  return (
    <section aria-labelledby="versions">
      <h2 id="versions" className="mb-3 font-semibold">
        Versions
      </h2>
      {shown.length === 0 ? (
        <p className="panel p-4 text-soft">There are no versions below v{below}.</p>
      ) : (
        <Table caption="Versions, newest first" columns={columns}>
          {shown.map((version) => (
            <Version
              key={version.version}
              version={version}
              before={known(versions, version.version)}
              now={now}
              hrefOf={hrefOf}
            />
          ))}
        </Table>
      )}
      <nav aria-label="Pages of versions" className="mt-4 flex justify-end gap-2 empty:hidden">
        {below === undefined ? null : (
          <Link href={`${hrefOf({})}#versions`} prefetch={false} className="button">
            Newest versions
          </Link>
        )}
        {last && rest.length > shown.length ? (
          <Link href={`${hrefOf({ below: last.version })}#versions`} prefetch={false} className="button">
            Older versions
          </Link>
        ) : null}
      </nav>
    </section>
  )
}

/** The nearest version before this one whose text is known. */
const known = (versions: ShownVersion[], below: number): number | null =>
  versions.find(({ version, size }) => version < below && size !== null)?.version ?? null

interface VersionProps extends Pick<Props, 'now' | 'hrefOf'> {
  version: ShownVersion
  before: number | null
}

function Version({ version: state, before, now, hrefOf }: VersionProps) {
  const { version, labels, tags, promptType, author, createdBy, commitMessage, updatedAt, deleted, size } =
    state
  const Mark = deleted ? 'del' : 'span'
  return (
    <Row id={`v${version}`}>
      <Cell className="order-1">
        <span className="flex items-center gap-2">
          <Mark className={deleted ? 'font-medium text-soft' : 'font-medium'}>v{version}</Mark>
          {deleted ? <Chip tone="bad" words="deleted" /> : null}
        </span>
      </Cell>
      <Cell className="order-3 min-w-0 basis-full">
        <span className="flex flex-wrap items-center gap-1">
          <Labels before={null} after={deleted ? [] : labels} />
        </span>
      </Cell>
      <Cell className="order-4 min-w-0 basis-full">
        <span className="line-clamp-2 [overflow-wrap:anywhere]">
          {commitMessage === null ? (
            <span className="text-faint">no message</span>
          ) : (
            <Plain text={commitMessage} lines />
          )}
        </span>
        <span className="mt-0.5 flex flex-wrap items-center gap-x-2 text-xs text-faint">
          {promptType === null ? null : <Plain text={promptType} />}
          <span>{size === null ? 'content unknown' : bytes(size)}</span>
          {tags.length === 0 ? null : <Tags tags={tags} />}
          {size === null || before === null ? null : (
            <Link
              href={`${hrefOf({ from: before, to: version })}#difference`}
              prefetch={false}
              className="link"
            >
              v{before} → v{version}
            </Link>
          )}
        </span>
      </Cell>
      <Cell className="order-5 max-w-full truncate text-[13px] text-soft">
        <Author name={author ?? createdBy} isId={author === null} />
      </Cell>
      <Cell className="order-2 ml-auto text-[13px] text-faint">
        {updatedAt === null ? 'unknown' : <When at={updatedAt} now={now} swaps />}
      </Cell>
    </Row>
  )
}

function Tags({ tags }: { tags: string[] }) {
  return (
    <span className="inline-flex max-w-full min-w-0 items-center gap-1">
      <Icon name="hash" className="size-3" />
      <span className="sr-only">tags</span>
      <span className="truncate">
        <Plain text={tags.join(', ')} />
      </span>
    </span>
  )
}

/** Langfuse gives a version's author as an id; the name is known only from an event that names the user. */
function Author({ name, isId }: { name: string | null; isId: boolean }) {
  const words = actorWords(name)
  const looksLikeId = isId && words === name
  return (
    <span
      className={looksLikeId ? 'font-mono text-xs' : ''}
      title={looksLikeId ? 'User id in Langfuse' : undefined}
    >
      <Plain text={words} />
    </span>
  )
}

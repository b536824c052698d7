import type { ReactNode } from 'react'
import { visibleText } from '#lib/base/visible.ts'
import { factKinds, kinds } from '#lib/core/change/kinds.ts'
import { httpClasses, type ListFilter, lastTimes, listStatuses } from '#lib/core/list/filter.ts'
import type { ProjectDirectory } from '#lib/core/rules/project-directory.ts'
import { Icon } from '../../_ui/icons.tsx'

export interface Choices {
  labels: string[]
  targets: string[]
  projects: string[]
}

const times = { '1h': 'Last hour', '24h': 'Last 24 hours', '7d': 'Last 7 days', '30d': 'Last 30 days' }
const tests = { hidden: 'Hide tests', shown: 'Include tests', only: 'Only tests' }

/** A plain form: what it filters by ends up in the address. `activeCount`: the number of filters in use. */
export function FilterBar({
  filter,
  choices,
  directory,
  activeCount,
}: {
  filter: ListFilter
  choices: Choices
  directory: Pick<ProjectDirectory, 'nameOf'>
  activeCount: number
}) {
  const { time, q } = filter
  return (
    <form action="/" method="get" aria-label="Filter" className="relative mb-3 flex flex-wrap gap-2">
      <label className="relative min-w-48 grow basis-full sm:basis-0">
        <span className="sr-only">Search</span>
        <Icon name="search" className="pointer-events-none absolute top-2 left-2.5 size-4 text-faint" />
        <input
          type="search"
          name="q"
          defaultValue={q ?? ''}
          maxLength={500}
          placeholder="Search by id, prompt, text or error"
          className="field w-full pl-8"
        />
      </label>
      <Select
        name="time"
        words="Time"
        value={typeof time === 'string' ? time : time ? 'custom' : ''}
        options={[
          ['', 'Any time'],
          ...lastTimes.map((one): Option => [one, times[one]]),
          ...(typeof time === 'object' && time ? [['custom', 'Custom range'] as Option] : []),
        ]}
      />
      <details className="popover">
        <summary className="button">
          <Icon name="filter" className="size-3.5" /> Filters
          {activeCount > 0 ? (
            <span className="rounded bg-raised px-1 text-xs text-soft">{activeCount}</span>
          ) : null}
        </summary>
        <div className="panel absolute inset-x-0 z-20 mt-2 grid gap-x-6 gap-y-4 p-4 shadow-lg lg:grid-cols-[minmax(0,1fr)_420px]">
          <div className="grid content-start gap-4">
            <Pills legend="Status" name="status" values={listStatuses} chosen={filter.status} />
            <Pills
              legend="Kind"
              name="kind"
              values={factKinds}
              chosen={filter.kind}
              wordOf={(kind) => kinds[kind].name}
            />
            <Pills legend="HTTP" name="http" values={httpClasses} chosen={filter.http} wordOf={httpWord} />
          </div>
          <Fields filter={filter} choices={choices} directory={directory} />
        </div>
      </details>
      <button type="submit" className="button">
        Search
      </button>
    </form>
  )
}

const httpWord = (one: (typeof httpClasses)[number]): string => (one === 'none' ? 'no answer' : one)

function Fields({
  filter,
  choices,
  directory,
}: {
  filter: ListFilter
  choices: Choices
  directory: Pick<ProjectDirectory, 'nameOf'>
}) {
  const { target, project, time, test, danger } = filter
  const range = typeof time === 'object' ? time : null
  return (
    <div className="grid grid-cols-2 content-start gap-3">
      <Text name="prompt" words="Prompt or folder/" value={filter.prompt} wide />
      <Text name="label" words="Label" value={filter.label} known={choices.labels} />
      <Field words="Target">
        <Select name="target" value={target ?? ''} options={anyOf(choices.targets, target)} />
      </Field>
      <Moment name="from" words="From (UTC)" at={range?.from} />
      <Moment name="to" words="To (UTC)" at={range?.to} />
      {choices.projects.length > 1 || project !== null ? (
        <Field words="Project" wide>
          <Select
            name="project"
            value={project ?? ''}
            options={anyOf(choices.projects, project, directory.nameOf)}
          />
        </Field>
      ) : null}
      <Field words="Test events">
        <Select name="test" value={test === 'hidden' ? '' : test} options={testOptions} />
      </Field>
      <label className="flex items-center gap-2 self-end pb-1.5 text-[13px]">
        <input type="checkbox" name="danger" value="1" defaultChecked={danger} className="accent-accent" />
        Only dangerous changes
      </label>
      <button type="submit" className="button col-span-2 justify-center">
        Apply
      </button>
    </div>
  )
}

type Option = [value: string, words: string]

const testOptions: Option[] = [
  ['', tests.hidden],
  ['shown', tests.shown],
  ['only', tests.only],
]

/** The chosen value stays an option even when nothing has it any more. */
function anyOf(
  values: string[],
  chosen: string | null,
  nameOf: (value: string) => string | null = () => null,
): Option[] {
  const all = chosen === null || values.includes(chosen) ? values : [chosen, ...values]
  return [['', 'Any'], ...all.map((value): Option => [value, nameOf(value) ?? visibleText(value)])]
}

interface FieldProps {
  words: string
  wide?: boolean | 'narrow screens'
  children: ReactNode
}

function Field({ words, wide = false, children }: FieldProps) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is its child
    <label
      className={`grid min-w-0 content-start gap-1 ${wide === true ? 'col-span-2' : wide ? 'max-sm:col-span-2' : ''}`}
    >
      <span className="text-xs text-soft">{words}</span>
      {children}
    </label>
  )
}

/** `at`: epoch milliseconds. */
function Moment({ name, words, at }: { name: string; words: string; at: number | null | undefined }) {
  return (
    <Field words={words} wide="narrow screens">
      <input
        type="datetime-local"
        name={name}
        defaultValue={typeof at === 'number' ? new Date(at).toISOString().slice(0, 16) : ''}
        className="field w-full min-w-0"
      />
    </Field>
  )
}

function Text(props: {
  name: string
  words: string
  value: string | null
  known?: string[]
  wide?: boolean
}) {
  const { name, words, value, known, wide } = props
  return (
    <Field words={words} wide={wide}>
      <input
        name={name}
        defaultValue={value ?? ''}
        maxLength={500}
        list={known ? `known-${name}` : undefined}
        autoComplete="off"
        className="field w-full min-w-0"
      />
      {known ? (
        <datalist id={`known-${name}`}>
          {known.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      ) : null}
    </Field>
  )
}

/** `words`: its accessible name; absent: a label is beside it. */
function Select(props: { name: string; words?: string; value: string; options: Option[] }) {
  const { name, words, value, options } = props
  return (
    <select name={name} aria-label={words} defaultValue={value} className="field min-w-0">
      {options.map(([one, text]) => (
        <option key={one} value={one}>
          {text}
        </option>
      ))}
    </select>
  )
}

function Pills<T extends string>(props: {
  legend: string
  name: string
  values: readonly T[]
  chosen: T[]
  wordOf?: (value: T) => string
}) {
  const { legend, name, values, chosen, wordOf = (value) => value } = props
  return (
    <fieldset>
      <legend className="mb-1.5 text-xs text-soft">{legend}</legend>
      <div className="flex flex-wrap gap-1.5">
        {values.map((value) => (
          <label key={value} className="pill">
            <input
              type="checkbox"
              name={name}
              value={value}
              defaultChecked={chosen.includes(value)}
              className="sr-only"
            />
            {wordOf(value)}
          </label>
        ))}
      </div>
    </fieldset>
  )
}

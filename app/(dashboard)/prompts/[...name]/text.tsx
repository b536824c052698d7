import { itemsOf, toJson } from '#lib/core/difference/prompt-text.ts'
import type { VersionContent } from '#lib/core/prompt/fold.ts'
import { Code } from '../../../_ui/code.tsx'
import { Disclosure } from '../../../_ui/disclosure.tsx'
import { Plain } from '../../../_ui/plain.tsx'
import { countWords } from '../../../_ui/quantity-words.ts'

/** Of a text or config; Langfuse's own page shows the rest. */
const maxCharacters = 20_000
const maxMessages = 100

/** One version in full: its text or messages, and its config. */
export function VersionText({ version, content }: { version: number; content: VersionContent }) {
  const items = itemsOf(content.text)
  const config = toJson(content.config)
  return (
    <section aria-labelledby="text" className="panel overflow-hidden">
      <h2 id="text" className="sr-only">
        Text of v{version}
      </h2>
      <Disclosure words={`Full text of v${version}`}>
        {items.length === 0 ? <p className="px-4 pb-3 text-[13px] text-soft">It has no text.</p> : null}
        {items.slice(0, maxMessages).map(({ title, text }, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a fixed list
          <Piece key={at} title={title} text={text} name={`Text of v${version}, part ${at + 1}`} />
        ))}
        {items.length > maxMessages ? (
          <p className="px-4 py-2 text-[13px] text-soft">
            … {countWords(items.length - maxMessages, 'more message')}
          </p>
        ) : null}
        {config === '' || config === '{}' ? null : (
          <Piece title="config" text={indented(content.config, config)} name={`Config of v${version}`} />
        )}
      </Disclosure>
    </section>
  )
}

const indented = (value: unknown, compact: string): string =>
  compact.length > maxCharacters ? compact : JSON.stringify(value, null, 2)

function Piece({ title, text, name }: { title: string; text: string; name: string }) {
  const isWhole = text.length <= maxCharacters
  return (
    <>
      <p className="flex justify-between gap-3 px-4 py-1.5 font-mono text-xs text-soft">
        <span className="min-w-0 truncate">
          <Plain text={title} />
        </span>
        {isWhole ? null : (
          <span className="shrink-0 font-sans">
            The first {maxCharacters.toLocaleString('en')} of {text.length.toLocaleString('en')} characters
          </span>
        )}
      </p>
      {text === '' ? null : <Code text={text.slice(0, maxCharacters).toWellFormed()} name={name} />}
    </>
  )
}

import type { slackMessage } from '#lib/targets/slack/message.ts'

interface Shown {
  type: string
  text?: { text: string }
  fields?: { text: string }[]
  elements?: ({ text: string } | { text: { text: string }; url: string })[]
}

/** A message as a person sees it, top to bottom. */
export function rendered(message: ReturnType<typeof slackMessage>): string {
  const { text, attachments = [] } = message
  const [card] = attachments
  const blocks = (card?.blocks ?? []) as unknown as Shown[]
  const lines = blocks.flatMap(({ type, text: content, fields = [], elements = [] }) => [
    ...(content ? [`${type}: ${content.text}`] : []),
    ...fields.map((field) => `field: ${field.text.replace('\n', ' ')}`),
    ...elements.map((one) => ('url' in one ? `[${one.text.text}] ${one.url}` : `${type}: ${one.text}`)),
  ])
  return [text, `colour ${card?.color}`, ...lines].join('\n')
}

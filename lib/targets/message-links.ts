import type { Message } from '../core/delivery/delivery.ts'

/** As a browser reads it; null for another scheme, or if it is longer than `max`. */
export function webUrl(url: string | null, max: number): string | null {
  if (url === null || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return null
  const { href } = new URL(url)
  return href.length <= max ? href : null
}

/** Where a message leads: into Langfuse, and to the relay's page. Web addresses of at most `max` characters. */
export function messageLinks(
  { change, fact, links }: Message,
  max: number,
): { label: string; url: string }[] {
  const isPrompt = change.detail.prompt !== null
  const own = isPrompt ? [] : change.detail.links.slice(0, 3)
  const into = own.length > 0 ? own : [{ label: 'Open in Langfuse', url: links.langfuse }]
  const label = fact.kind === 'given-up' ? 'View and replay' : isPrompt ? 'What changed' : 'Details'
  return [...into, { label, url: links.page }].flatMap(({ label, url }) => {
    const href = webUrl(url, max)
    return href === null ? [] : [{ label, url: href }]
  })
}

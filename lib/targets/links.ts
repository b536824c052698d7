import type { Message } from '../core/delivery/delivery.ts'
import { webUrl } from './text.ts'

/** Where a reader can go from a message: into Langfuse, and to the relay's page. Web addresses of `most` characters at most. */
export function messageLinks(
  { change, fact, links }: Message,
  max: number,
): { label: string; url: string }[] {
  const told = change.detail.prompt === null ? change.detail.links.slice(0, 3) : []
  const into = told.length > 0 ? told : [{ label: 'Open in Langfuse', url: links.langfuse }]
  const label = fact.kind === 'given-up' ? 'See and replay them' : 'What changed'
  return [...into, { label, url: links.page }].flatMap(({ label, url }) => {
    const href = webUrl(url, max)
    return href === null ? [] : [{ label, url: href }]
  })
}

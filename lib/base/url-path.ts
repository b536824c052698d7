/**
 * A text as one segment of an address. Null where no address can hold it: nothing, `.` and `..` are taken away or gone up
 * by, encoded or not (https://url.spec.whatwg.org/#double-dot-path-segment), and the address would lead elsewhere.
 */
export function pathSegment(text: string): string | null {
  return ['', '.', '..'].includes(text) ? null : encodeURIComponent(text.toWellFormed())
}

/** Segments joined to a path that begins with a slash; null where one of them cannot be held. */
export function pathOf(...texts: string[]): string | null {
  const segments = texts.map(pathSegment)
  return segments.includes(null) ? null : `/${segments.join('/')}`
}

export const withoutEndSlash = (url: string): string => url.replace(/\/+$/, '')

/** The address of a path, which begins with a slash. */
export const urlUnder = (baseUrl: string, path: string): string => `${withoutEndSlash(baseUrl)}${path}`

/**
 * A text as one segment of a path. Null if no path can contain it: the empty text, `.` and `..` are removed from a URL,
 * encoded or not (https://url.spec.whatwg.org/#double-dot-path-segment), so that it would lead somewhere else.
 */
export function pathSegment(text: string): string | null {
  return ['', '.', '..'].includes(text) ? null : encodeURIComponent(text.toWellFormed())
}

/** A path that starts with a slash; null if it cannot contain one of the segments. */
export function pathOf(...texts: string[]): string | null {
  const segments = texts.map(pathSegment)
  return segments.includes(null) ? null : `/${segments.join('/')}`
}

export const withoutEndSlash = (url: string): string => url.replace(/\/+$/, '')

/** `path` starts with a slash. */
export const urlUnder = (baseUrl: string, path: string): string => `${withoutEndSlash(baseUrl)}${path}`

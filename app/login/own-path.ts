const maxLength = 2000
/** How many times a path may be decoded on its way, by us and by proxies. */
const maxLayers = 3
/** Not a real site: only its origin is compared. */
const base = 'http://own.invalid'

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const hidden = /[\\\u0000-\u001f\u007f-\u009f]/

/** Null if it is not an address on this site. */
function urlOf(path: string): URL | null {
  if (!URL.canParse(path, base)) return null
  const url = new URL(path, base)
  // Refused anywhere in a path: once the dot segments before it are removed, `//host` is another site.
  return url.origin === base && !url.pathname.includes('//') ? url : null
}

/** A path as a browser resolves it, dot segments removed; null if that is another site, or may become one. */
function resolved(path: string): string | null {
  if (hidden.test(path)) return null
  // Here `?` and `#` can only be decoded characters of a name.
  return urlOf(path.replaceAll('?', '%3F').replaceAll('#', '%23'))?.pathname ?? null
}

/** Null if it is badly encoded. */
function decodedOnce(path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}

/** Whether a path stays on this site, however often it is decoded before it is resolved. */
function staysHere(path: string): boolean {
  let layer = path
  for (let decodings = 0; decodings <= maxLayers; decodings++) {
    if (resolved(layer) === null) return false
    const decoded = decodedOnce(layer)
    if (decoded === null) return decodings > 0
    if (decoded === layer) return true
    layer = decoded
  }
  return false
}

/**
 * Where to go after login: the requested path if it is on this site, else `/`. Browsers read `\` as `/`, drop tabs and
 * newlines, remove dot segments, and take `//host` for another site; encoded characters are checked the same way.
 * Returns exactly what was checked: the path without dot segments.
 */
export function ownPath(next: string | null | undefined): string {
  if (!next?.startsWith('/') || next.length > maxLength || hidden.test(next)) return '/'
  const [path = ''] = next.split(/[?#]/, 1)
  const url = urlOf(next)
  if (!url || !staysHere(path) || !staysHere(url.pathname)) return '/'
  return url.pathname + url.search + url.hash
}

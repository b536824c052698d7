const maxLength = 2000
/** How often a path is decoded on its way, by us and by whatever stands before us. */
const maxLayers = 3
/** No site of ours: only its origin is compared. */
const base = 'http://own.invalid'

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const hidden = /[\\\u0000-\u001f\u007f-\u009f]/

/** On this site; null for an address on another one, and for none. */
function urlOf(path: string): URL | null {
  if (!URL.canParse(path, base)) return null
  const url = new URL(path, base)
  // Refused wherever it stands: with the dot segments before it gone, `//host` is another site.
  return url.origin === base && !url.pathname.includes('//') ? url : null
}

/** A path as a browser resolves it, dot segments removed; null where that is another site, or may become one. */
function resolved(path: string): string | null {
  if (hidden.test(path)) return null
  // `?` and `#` only come here decoded, as characters of a name.
  return urlOf(path.replaceAll('?', '%3F').replaceAll('#', '%23'))?.pathname ?? null
}

/** Null where it is not well encoded. */
function decodedOnce(path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}

/** Whether a path stays on this site, however often it is decoded before somebody resolves it. */
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
 * Where to go after the login: the asked-for path when it is one of our own, else `/`. Browsers read `\` as `/`, drop
 * tabs and newlines, remove dot segments, and take `//host` for another site; that holds for what is still encoded, too.
 * What was judged is what is returned: the path without dot segments.
 */
export function ownPath(next: string | null | undefined): string {
  if (!next?.startsWith('/') || next.length > maxLength || hidden.test(next)) return '/'
  const [path = ''] = next.split(/[?#]/, 1)
  const url = urlOf(next)
  if (!url || !staysHere(path) || !staysHere(url.pathname)) return '/'
  return url.pathname + url.search + url.hash
}

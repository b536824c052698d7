const maxLength = 2000
/** How often a path is decoded on its way, by us and by whatever stands before us. */
const mostLayers = 3

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const leavesTheSite = (path: string): boolean => /^\/[/.]*\/|[\\\u0000-\u001f\u007f-\u009f]/.test(path)

/** Null where it is not well encoded. */
function decodedOnce(path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}

/**
 * Where to go after the login: the asked-for path when it is one of our own, else `/`. Browsers read `\` as `/`,
 * drop tabs and newlines, and take `//host` for another site; that holds for what is still encoded, too.
 */
export function ownPath(next: string | null | undefined): string {
  if (!next?.startsWith('/') || next.length > maxLength) return '/'
  let path = next
  for (let layer = 0; layer < mostLayers; layer++) {
    if (leavesTheSite(path)) return '/'
    const decoded = decodedOnce(path)
    if (decoded === null) return layer === 0 ? '/' : next
    if (decoded === path) return next
    path = decoded
  }
  return '/'
}

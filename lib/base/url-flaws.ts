import { lineFlaw } from './text-flaws.ts'

const looksLikeHost = /^[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?([/?#]|$)|^localhost\b/i

/** Why something is no http(s) URL that can be posted to, fetched or linked, as something to follow its name. */
export function urlFlaw(value: string): string | null {
  if (looksLikeHost.test(value)) return 'is not an http(s) URL: put https:// before it'
  if (!/^https?:\/\/[^/]/i.test(value) || !URL.canParse(value)) return 'is not an http(s) URL'
  if (/\s/.test(value)) return 'is not an http(s) URL: it holds a blank'
  if (/^https?:\/\/https?:?\/\//i.test(value)) return 'has its https:// twice: take one off'
  if (/,https?:\/\//i.test(value)) return 'holds several URLs: set one'
  const { username, password } = new URL(value)
  if (username === '' && password === '') return null
  return 'holds a user and a password (user:password@), which would stand in messages, links and logs: take them out'
}

/** `none`: of what a base address must not hold. */
export function partsFlaw(value: string, none: { path?: string }): string | null {
  const { pathname, search, hash } = new URL(value)
  if (search !== '' || hash !== '') return 'holds a query or a fragment (from ? or # on): take it off'
  return none.path !== undefined && pathname !== '/' ? `holds a path: ${none.path}` : null
}

export function publicUrlFlaw(value: string): string | null {
  return partsFlaw(value, { path: 'the relay answers at the root of its host, so take the path off' })
}

export function langfuseUrlFlaw(value: string): string | null {
  if (/\/(project|organization|auth)\//.test(new URL(value).pathname))
    return 'is the address of a page in Langfuse: take off everything after the host (or after the base path)'
  return partsFlaw(value, {})
}

/** What a copied address of Langfuse's API has after the base. */
export const withoutApiPath = (value: string): string => value.replace(/\/api\/public(\/[^?#]*)?$/i, '')

const encode = 'encode # as %23, / as %2F, ? as %3F and @ as %40 in the password'

/** As `pg` reads it, which also takes an address without a host. */
function parsedPostgres(url: string): URL | null {
  for (const one of [url, url.replace('@/', '@localhost/')]) if (URL.canParse(one)) return new URL(one)
  return null
}

/** What SQLite or a shell makes of a path, and we do not; null: it is taken as it is. */
function pathFlaw(path: string): string | null {
  if (path.startsWith(':memory:'))
    return 'is a store in memory, which ends with the process, and with it what was accepted: name a file'
  if (path.startsWith('~')) return 'begins with ~, which only a shell knows: write the whole path'
  if (/^\$|\$\{/.test(path)) return 'names a variable that was not filled in: write the whole path'
  return path.includes('?') ? 'holds a query (from ? on): take it off' : null
}

/** Why an address of the store does not work, whatever is behind it. */
export function databaseUrlFlaw(value: string): string | null {
  if (value.startsWith('file:')) return pathFlaw(value.slice('file:'.length))
  const line = lineFlaw(value)
  if (line !== null) return line
  if (/\[YOUR-PASSWORD\]|<[^<>]+>/i.test(value)) return 'holds a placeholder: put the password in its place'
  if (/\*{4}|[•●]{2}|…/.test(value))
    return 'is masked (with dots or stars in place of the password): copy the whole value'
  const url = parsedPostgres(value)
  if (url === null) return `is not a valid URL: ${encode}`
  // What comes after the first # / or ? of a password is taken for another part, in which the host's @ is found.
  if (url.hash !== '' || url.pathname.includes('@') || (url.pathname === '' && url.search.includes('@')))
    return `is not the URL that was meant: ${encode}`
  return null
}

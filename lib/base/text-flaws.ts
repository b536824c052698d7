/** Quotes that files of variables put around a value, with how each ends. */
const quotes = new Map([
  ['"', '"'],
  ["'", "'"],
  ['`', '`'],
  ['“', '”'],
  ['‘', '’'],
])

const edges = /^[\s\u200b\u2060\ufeff]+|[\s\u200b\u2060\ufeff]+$/g

/** Without blanks, line breaks (a file with CRLF, `echo x | base64`) and byte order marks around it. */
export const trimmed = (value: string): string => value.replace(edges, '')

/** Whether the whole value stands in one pair of quotes: `docker run --env-file` keeps those of `NAME="value"`. */
export function isQuoted(value: string): boolean {
  const [open = '', close] = [value.at(0), quotes.get(value.at(0) ?? '')]
  if (value.length < 2 || close === undefined || !value.endsWith(close)) return false
  const inner = value.slice(1, -1)
  return !inner.includes(open) && !inner.includes(close)
}

/** A value as it was meant, where its form leaves no doubt: trimmed, and without the quotes around the whole of it. */
export function cleaned(value: string): string {
  const bare = trimmed(value)
  return isQuoted(bare) ? trimmed(bare.slice(1, -1)) : bare
}

/** Characters that show nothing, but make one value another. */
const invisible = /(?![\t\r\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
const loneQuote = /^["'`“”‘’]|["'`“”‘’]$/
/** As panels and logs show a secret in place of it. */
const masked = /\.{3}|…|\*{3}|[•●]{2}/
const placeholder = /<[^<>]+>|^your[-_ ].*(token|secret|key|url|password)/i

/** A reference that nobody filled in: the whole value, or `${…}` in it. */
const unfilled = /^\$[A-Z][A-Z0-9_]*$|\$\{[A-Za-z_]\w*\}|\{\{\s*[\w.]+\s*\}\}|^%[A-Z][A-Z0-9_]*%$/
/** A whole line of a file of variables. */
const wholeLine = /^(export\s+)?[A-Z][A-Z0-9]*(_[A-Z0-9]+)+=[^=]/

/** Why a value looks as if it came from a file by mistake; null: it does not. */
export function lineFlaw(value: string): string | null {
  if (unfilled.test(value)) return 'names a variable that was not filled in: put its value in its place'
  return wholeLine.test(value) ? 'begins with a name and =: put only what comes after it' : null
}

const codeOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`

/** Why a value of one line cannot be what was meant, as something to follow its name; null: nothing speaks against it. */
export function textFlaw(value: string): string | null {
  const [hidden] = invisible.exec(value) ?? []
  if (hidden !== undefined) return `holds a character that cannot be seen (${codeOf(hidden)}): type it anew`
  if (/[\r\n]/.test(value)) return 'holds a line break: put it on one line'
  if (loneQuote.test(value)) return 'has a quote at its beginning or end: take the quotes off'
  if (masked.test(value)) return 'is masked (with dots or stars in place of characters): copy the whole value'
  if (placeholder.test(value)) return 'is a placeholder: put the real value in its place'
  return lineFlaw(value)
}

/** The same for a secret that a header carries. Blanks within it are fine there. */
export function secretFlaw(value: string): string | null {
  if (isQuoted(value)) return 'stands in quotes, which would be part of it: take the quotes off'
  if (/^openssl rand|^echo /.test(value)) return 'is a command: put what it prints in its place'
  const flaw = textFlaw(value)
  if (flaw !== null) return flaw
  return /[^\x20-\x7e]/.test(value)
    ? 'holds a character that a header cannot carry: use letters and digits'
    : null
}

/** Of at least eight characters, what attackers try first. https://github.com/danielmiessler/SecLists, Passwords/Common-Credentials */
const commonest = new Set(
  `password password1 password12 password123 password1234 passw0rd p@ssw0rd p@ssword mypassword yourpassword nopassword
  12345678 123456789 1234567890 0123456789 87654321 987654321 9876543210 123123123 12341234 11223344 12344321 147258369
  qwertyui qwertyuiop qwerty12 qwerty123 qwerty1234 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qazxsw2 qazwsxedc zaq12wsx asdfghjk
  asdfghjkl asdf1234 zxcvbnm1 zxcvbnm123 q1w2e3r4 a1b2c3d4 abcd1234 abc12345 abcdefgh abcdefg1 aa123456 a1234567 a12345678
  iloveyou iloveyou1 sunshine princess football baseball basketball superman batman123 trustno1 letmein1 letmein123
  letmeinnow welcome1 welcome12 welcome123 welcome1234 admin123 admin1234 admin12345 adminadmin administrator root1234
  rootroot changeme changeme1 changeme123 change-me change_me changeit1 default1 default123 secret123 supersecret
  topsecret test1234 test12345 testtest testing123 dashboard dashboard1 langfuse langfuse1 langfuse123 promptrelay
  prompt-relay prompt_relay computer internet starwars whatever michelle jennifer jordan23 liverpool chelsea1 arsenal1
  pokemon1 dragon123 monkey123 shadow123 master123 mustang1 michael1 jessica1 charlie1 samantha football1 baseball1
  princess1 sunshine1 superman1 ashley123 killer123 hello123 helloworld google123 access14 zxcvbnm, qwer1234 qweasdzxc
  passpass pass1234 pass12345 login123 guest123 postgres postgres1 database vercel123 github123 slack123 company1
  summer2024 summer2025 winter2024 winter2025 spring2025 autumn2025`.split(/\s+/),
)

/** Whether this is a password that is guessed within the first tries. */
export const isCommonPassword = (password: string): boolean =>
  commonest.has(password.toLowerCase()) || /^(.)\1*$/su.test(password)

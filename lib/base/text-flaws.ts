/** Quotes that env files put around a value, each with its closing quote. */
const quotes = new Map([
  ['"', '"'],
  ["'", "'"],
  ['`', '`'],
  ['“', '”'],
  ['‘', '’'],
])

const edges = /^[\s\u200b\u2060\ufeff]+|[\s\u200b\u2060\ufeff]+$/g

/** Without surrounding white space (a CRLF file, `echo x | base64`) and byte order marks. */
export const trimmed = (value: string): string => value.replace(edges, '')

/** Whether the whole value is in one pair of quotes: `docker run --env-file` keeps those of `NAME="value"`. */
export function isQuoted(value: string): boolean {
  const [open = '', close] = [value.at(0), quotes.get(value.at(0) ?? '')]
  if (value.length < 2 || close === undefined || !value.endsWith(close)) return false
  const inner = value.slice(1, -1)
  return !inner.includes(open) && !inner.includes(close)
}

/** A value as it was surely meant: trimmed, and without the quotes around all of it. */
export function cleaned(value: string): string {
  const bare = trimmed(value)
  return isQuoted(bare) ? trimmed(bare.slice(1, -1)) : bare
}

/** Characters that are not visible, yet make a different value. */
const invisible = /(?![\t\r\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
const loneQuote = /^["'`“”‘’]|["'`“”‘’]$/
/** What panels and logs show instead of a secret. */
const masked = /\.{3}|…|\*{3}|[•●]{2}/
const placeholder = /<[^<>]+>|^your[-_ ].*(token|secret|key|url|password)/i

/** A variable that was not substituted: the whole value, or `${…}` in it. */
const unfilled = /^\$[A-Z][A-Z0-9_]*$|\$\{[A-Za-z_]\w*\}|\{\{\s*[\w.]+\s*\}\}|^%[A-Z][A-Z0-9_]*%$/
/** A whole line of an env file. */
const wholeLine = /^(export\s+)?[A-Z][A-Z0-9]*(_[A-Z0-9]+)+=[^=]/

/** Why a value looks like a line of an env file, or null. */
export function lineFlaw(value: string): string | null {
  if (unfilled.test(value)) return 'contains a variable that was not substituted: replace it with its value'
  return wholeLine.test(value) ? 'starts with NAME=: set only what follows the =' : null
}

const codeOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`

/** What is wrong with a one-line value, in words that follow its name, or null. */
export function textFlaw(value: string): string | null {
  const [hidden] = invisible.exec(value) ?? []
  if (hidden !== undefined) return `contains an invisible character (${codeOf(hidden)}): type the value again`
  if (/[\r\n]/.test(value)) return 'contains a line break: put it on one line'
  if (loneQuote.test(value)) return 'starts or ends with a quote: remove the quotes'
  if (masked.test(value)) return 'is masked (dots or asterisks instead of characters): copy the whole value'
  if (placeholder.test(value)) return 'is a placeholder: replace it with the real value'
  return lineFlaw(value)
}

/** The same for a secret that is sent in a header. Spaces within it are allowed there. */
export function secretFlaw(value: string): string | null {
  if (isQuoted(value)) return 'is in quotes, which would become part of it: remove them'
  if (/^openssl rand|^echo /.test(value)) return 'is a command: set what it prints'
  const flaw = textFlaw(value)
  if (flaw !== null) return flaw
  return /[^\x20-\x7e]/.test(value)
    ? 'contains a character that headers do not allow: use letters and digits'
    : null
}

/** What attackers try first, of eight characters or more. https://github.com/danielmiessler/SecLists, Passwords/Common-Credentials */
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

/** Whether a password would be guessed within the first tries. */
export const isCommonPassword = (password: string): boolean =>
  commonest.has(password.toLowerCase()) || /^(.)\1*$/su.test(password)

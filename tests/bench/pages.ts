import { httpClasses, lastTimes, listStatuses } from '#lib/core/list/filter.ts'
import { password } from './subjects.ts'

/** Signed in as a browser without scripts does it: the form's own fields, posted. Gives the cookie. */
export async function signIn(origin: string): Promise<string> {
  const page = await (await fetch(`${origin}/login`)).text()
  const form = new FormData()
  for (const [input] of page.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(input)?.[1]
    if (name !== undefined) form.set(name, /value="([^"]*)"/.exec(input)?.[1] ?? '')
  }
  form.set('password', password)
  const headers = { origin }
  const answer = await fetch(`${origin}/login`, { method: 'POST', headers, body: form, redirect: 'manual' })
  const cookie = answer.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ')
  if (cookie === '') throw new Error(`No session after the login: ${answer.status}`)
  return cookie
}

export interface Page {
  html: string
  milliseconds: number
}

/** The page as a signed-in person gets it, whole. */
export async function getPage(url: string, cookie: string): Promise<Page> {
  const begin = performance.now()
  const answer = await fetch(url, { headers: { cookie }, redirect: 'manual' })
  const html = await answer.text()
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`)
  return { html, milliseconds: performance.now() - begin }
}

/** Each filter of the list, some with few and with many matches, and combined, as in an address. */
export const filters = [
  ...listStatuses.map((status) => `status=${status}`),
  ...['version-created', 'promoted', 'deleted', 'alert'].map((kind) => `kind=${kind}`),
  'prompt=support/',
  'label=production',
  'label=eval-7',
  'target=slack',
  ...httpClasses.map((http) => `http=${http}`),
  'test=only',
  'test=shown',
  ...lastTimes.map((time) => `time=${time}`),
  'danger=1',
  'kind=promoted&label=eval-7',
  'status=failed&target=github&time=30d',
  'status=delivered&kind=rolled-back&label=production&q=voucher',
  ...['customer', 'voucher', 'voucher customer', 'nowhere-to-be-found'].map(
    (q) => `q=${encodeURIComponent(q)}`,
  ),
]

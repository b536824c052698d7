/** Submits the login as a browser without JavaScript does; returns the answer and the cookies it sets. */
export async function submitLogin(
  url: string,
  given: { password: string; next?: string; cookie?: string; headers?: Record<string, string> },
): Promise<{ status: number; location: string; cookies: string[] }> {
  const page = await fetch(`${url}/login`)
  const form = new FormData()
  for (const [, name = '', value = ''] of (await page.text()).matchAll(
    /<input type="hidden"[^>]*?name="([^"]+)"(?:[^>]*?value="([^"]*)")?/g,
  ))
    form.set(name, value.replaceAll('&quot;', '"'))
  form.set('password', given.password)
  if (given.next !== undefined) form.set('next', given.next)
  const cookie: Record<string, string> = given.cookie === undefined ? {} : { cookie: given.cookie }
  const answer = await fetch(`${url}/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: url, ...cookie, ...given.headers },
    body: form,
  })
  await answer.arrayBuffer()
  const cookies = answer.headers.getSetCookie().map((line) => line.split(';', 1)[0] ?? '')
  return { status: answer.status, location: answer.headers.get('location') ?? '', cookies }
}

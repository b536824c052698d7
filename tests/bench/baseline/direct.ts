import { verifiedBody } from './verified.ts'

export const dynamic = 'force-dynamic'

/** What shorter tutorials build: verify, notify Slack and GitHub, then answer. Failed sends are lost. */
export async function POST(request: Request): Promise<Response> {
  const body = await verifiedBody(request)
  if (body === null) return new Response('bad signature', { status: 401 })
  const { action, prompt } = JSON.parse(body)
  const { SLACK_WEBHOOK_URL = '', GITHUB_API_URL, GITHUB_REPO } = process.env
  await post(SLACK_WEBHOOK_URL, { text: `Prompt ${prompt.name} v${prompt.version} ${action}` })
  await post(`${GITHUB_API_URL}/repos/${GITHUB_REPO}/dispatches`, {
    event_type: 'prompt-updated',
    client_payload: { promptName: prompt.name, version: prompt.version, action },
  })
  return Response.json({ received: true })
}

async function post(url: string, body: object): Promise<void> {
  const authorization = `Bearer ${process.env.GITHUB_TOKEN}`
  const headers = { 'content-type': 'application/json', authorization }
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  await answer.text()
}

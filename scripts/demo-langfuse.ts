import { type LangfuseServer, startLangfuseServer } from '../tests/mocks/langfuse-server.ts'

/** The trace whose button is pressed. */
export const pressedTrace = 'trace-of-call-1'
/** What the relay finds by polling: a trace with an error, and a score of `false` given by a person. */
export const polled = 2

const prompt = 'support/escalation'

export interface DemoLangfuse extends LangfuseServer {
  /** Someone edits a prompt, and the webhook is lost. Returns the prompt's name. */
  loseWebhook: () => string
}

/** A Langfuse on this machine, with something to find by polling and a prompt to compare. */
export async function startDemoLangfuse(): Promise<DemoLangfuse> {
  const server = await startLangfuseServer()
  const { mock, model, setClock } = server
  const at = Date.now() - 60_000
  const failed = { level: 'ERROR', statusMessage: 'The payment service did not answer', latency: 10.2 }
  mock.observations = [
    { id: 'call-1', traceId: pressedTrace, start: at, traceName: 'checkout-agent', ...failed },
  ]
  mock.scores = [
    { id: 'score-1', at, name: 'helpful', value: false, dataType: 'BOOLEAN', source: 'ANNOTATION' },
  ]
  setClock(Date.now() - 3_600_000)
  model.edit('create', { name: prompt, after: 0 })
  const loseWebhook = () => {
    setClock(Date.now())
    model.edit('create', { name: prompt, after: 0 })
    return prompt
  }
  return { ...server, loseWebhook }
}

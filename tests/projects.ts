import type { LangfuseProject } from '#lib/core/rules/projects.ts'

/** A project of relay.config.ts; what is left out is not configured. */
export const langfuseProject = (given: Partial<LangfuseProject> = {}): LangfuseProject => {
  const { name = 'default', baseUrl = 'https://langfuse.test' } = given
  const at = (setting: string): string => `projects.${name}.${setting}`
  return {
    name,
    id: null,
    baseUrl,
    webUrl: baseUrl,
    keys: null,
    webhookSecrets: [],
    signsForAny: false,
    called: {
      id: at('id'),
      publicKey: at('publicKey'),
      secretKey: at('secretKey'),
      baseUrl: at('baseUrl'),
      webUrl: at('webUrl'),
      webhookSecrets: at('webhookSecrets'),
    },
    ...given,
  }
}

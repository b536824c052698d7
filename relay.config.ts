import { defineRelay } from '#lib/config.ts'

/**
 * Who hears of what: the one file an operator edits. A target with unset variables is left out;
 * a rule that names a target that is not here does not compile.
 */
export default defineRelay((env) => ({
  targets: {
    slack: { type: 'slack', url: env.SLACK_WEBHOOK_URL, perSecond: env.SLACK_PER_SECOND },
    github: {
      type: 'github',
      repo: env.GITHUB_REPO,
      token: env.GITHUB_TOKEN,
      apiUrl: env.GITHUB_API_URL,
      eventType: env.GITHUB_EVENT_TYPE,
    },
  },
  rules: [
    {
      name: 'all changes to Slack',
      on: ['prompt.created', 'prompt.updated', 'prompt.deleted', 'alert', 'recovered', 'notification'],
      to: ['slack'],
    },
    {
      name: 'production to GitHub',
      // `first-seen`: a version that carried the label when the relay first heard of it. Whether it got the
      // label just then is not known; a pipeline that runs once too often does less harm than one that does not run.
      on: ['promoted', 'rolled-back', 'label-added', 'first-seen'],
      label: 'production',
      to: ['github'],
    },
  ],
}))

import { defineRelay } from '#lib/config.ts'

/**
 * What is sent where: the one file an operator edits. A target with unset variables is left out; an unknown key, or a
 * rule that names a target that is not here, does not compile. A target with variables of your own:
 *
 *     export default defineRelay((env, variable) => ({
 *       targets: { support: { type: 'slack', url: variable('SLACK_SUPPORT_URL') }, …
 *
 * Several projects of Langfuse: docs/projects.md.
 */
export default defineRelay((env) => ({
  targets: {
    slack: { type: 'slack', url: env.SLACK_WEBHOOK_URL, perSecond: env.SLACK_PER_SECOND },
    discord: { type: 'discord', url: env.DISCORD_WEBHOOK_URL },
    github: {
      type: 'github',
      repo: env.GITHUB_REPO,
      token: env.GITHUB_TOKEN,
      app: {
        id: env.GITHUB_APP_ID,
        privateKey: env.GITHUB_APP_PRIVATE_KEY,
        installationId: env.GITHUB_APP_INSTALLATION_ID,
      },
      apiUrl: env.GITHUB_API_URL,
      eventType: env.GITHUB_EVENT_TYPE,
    },
    pagerduty: {
      type: 'pagerduty',
      routingKey: env.PAGERDUTY_ROUTING_KEY,
      eventsUrl: env.PAGERDUTY_EVENTS_URL,
    },
    webhook: {
      type: 'webhook',
      url: env.WEBHOOK_URL,
      secrets: env.WEBHOOK_SECRET,
      allowPrivate: env.WEBHOOK_ALLOW_PRIVATE,
    },
  },
  rules: [
    {
      name: 'all changes to the chats and the webhook',
      on: [
        'prompt.created',
        'prompt.updated',
        'prompt.deleted',
        'alert',
        'recovered',
        'notification',
        // Someone pressed the button on a trace: docs/callbacks.md.
        'trace-callback',
        // Read from Langfuse's API, like scores, if its keys are set: docs/polling.md.
        'error-trace',
      ],
      to: ['slack', 'discord', 'webhook'],
    },
    {
      name: 'production to GitHub',
      // `first-seen`: a version that had the label when the relay first saw it. Whether it had just got the
      // label is not known, but a pipeline that runs once too often does less harm than one that does not run.
      on: ['promoted', 'rolled-back', 'label-added', 'first-seen'],
      label: 'production',
      to: ['github'],
    },
    {
      name: 'what people marked as bad to the chats and the webhook',
      on: ['score.created'],
      score: { source: 'ANNOTATION', dataType: 'BOOLEAN', below: 1 },
      to: ['slack', 'discord', 'webhook'],
    },
    {
      name: 'alerts to PagerDuty',
      on: ['alert', 'recovered'],
      to: ['pagerduty'],
    },
    {
      name: 'production to PagerDuty',
      // Shown beside incidents; an incident itself only where nothing carries the label any more.
      on: ['promoted', 'rolled-back', 'label-added', 'label-removed', 'deleted'],
      label: 'production',
      to: ['pagerduty'],
    },
  ],
  // Notified of troubles: with targets (each except of its own), and with the way from Langfuse.
  alertTarget: ['slack', 'discord', 'pagerduty'],
}))

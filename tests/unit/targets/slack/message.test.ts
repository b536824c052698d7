import { describe, expect, it } from 'vitest'
import type { ChangeDetail, Fact } from '#lib/core/change/change.ts'
import { slackDigest, slackMessage } from '#lib/targets/slack/message.ts'
import { slackProblems } from '../../../mocks/slack.ts'
import { scoreRow } from '../../observed-rows.ts'
import { burst, errors, traceUrl } from '../bursts.ts'
import { difference, messageOf } from '../messages.ts'
import { rendered } from './rendered.ts'

const other = (fact: Fact, change: object, detail: Partial<ChangeDetail> = {}) =>
  messageOf({
    fact,
    text: undefined,
    links: { page: 'https://relay.example.com/changes/chg_1', langfuse: detail.links?.[0]?.url ?? null },
    change: { actor: null, version: null, ...change },
    detail: { ...detail, prompt: null },
  })

const alertLinks = [
  { label: 'Open the alert', url: 'https://cloud.langfuse.com/project/p1/alerts/m1' },
  { label: 'Open the data', url: 'https://cloud.langfuse.com/project/p1/observations' },
]

describe('a Slack message shows', () => {
  it('a promotion, with the labels before and after and the difference', () => {
    expect(rendered(slackMessage(messageOf({ detail: { difference } })))).toMatchInlineSnapshot(`
      "Maya promoted support/refund-reply v7 to production, was v6
      colour #16a34a
      header: 🚀 Promoted: support/refund-reply
      field: *Prompt* support/refund-reply
      field: *Version* v6 → v7
      field: *Labels* latest → latest, production
      field: *Author* Maya
      field: *Tags* support
      field: *Type* text
      section: > Softer tone
      section: *v6 → v7*
      \`\`\`
        You are a support agent.
      - Refuse refunds after {{days}} days.
      + Offer a voucher after {{days}} days to {{customer_name}}.
      \`\`\`
      … 34 more lines <https://relay.example.com/changes/chg_1|See all>
      section: *Variables added* {{customer_name}}
      *Variables removed* placeholder history
      section: *Config* temperature: 0.7 → 0.2
      [Open in Langfuse] https://cloud.langfuse.com/project/p1/prompts/support%2Frefund-reply?version=7
      [What changed] https://relay.example.com/changes/chg_1
      context: project p1 · chg_1"
    `)
  })

  it('a new version, with a sentence where the text before is not known', () => {
    const fact: Fact = { kind: 'version-created', version: 7, labels: ['latest'] }
    const message = messageOf({
      fact,
      change: { title: 'Maya created support/refund-reply v7' },
      detail: {
        prompt: { labels: ['latest'], labelsBefore: null, commitMessage: 'Two\nlines' },
        difference: 'The text before is not known, so nothing can be compared.',
      },
    })
    expect(rendered(slackMessage(message))).toMatchInlineSnapshot(`
      "Maya created support/refund-reply v7
      colour #2563eb
      header: 🆕 New version: support/refund-reply
      field: *Prompt* support/refund-reply
      field: *Version* v7
      field: *Labels* latest
      field: *Author* Maya
      field: *Tags* support
      field: *Type* text
      section: > Two
      > lines
      context: The text before is not known, so nothing can be compared.
      [Open in Langfuse] https://cloud.langfuse.com/project/p1/prompts/support%2Frefund-reply?version=7
      [What changed] https://relay.example.com/changes/chg_1
      context: project p1 · chg_1"
    `)
  })

  it('a rollback, in amber', () => {
    const fact: Fact = { kind: 'rolled-back', label: 'production', from: 7, to: 6 }
    const message = messageOf({
      fact,
      change: { version: 6, title: 'Maya rolled production of support/refund-reply back from v7 to v6' },
      detail: { prompt: { tags: [], commitMessage: null } },
    })
    expect(rendered(slackMessage(message))).toMatchInlineSnapshot(`
      "Maya rolled production of support/refund-reply back from v7 to v6
      colour #d97706
      header: ⏪ Rolled back: support/refund-reply
      field: *Prompt* support/refund-reply
      field: *Version* v7 → v6
      field: *Labels* latest → latest, production
      field: *Author* Maya
      field: *Type* text
      [Open in Langfuse] https://cloud.langfuse.com/project/p1/prompts/support%2Frefund-reply?version=7
      [What changed] https://relay.example.com/changes/chg_1
      context: project p1 · chg_1"
    `)
  })

  it('a label that no version carried before', () => {
    const fact: Fact = { kind: 'label-added', label: 'staging', to: 7 }
    const message = messageOf({ fact, detail: { prompt: { labels: ['staging'], labelsBefore: [] } } })
    expect(rendered(slackMessage(message))).toContain('field: *Labels* – → staging')
  })

  it('a change in the last of many labels', () => {
    const labels = Array.from({ length: 12 }, (_, i) => `label-${i}`)
    const message = messageOf({
      detail: { prompt: { labels: [...labels, 'new'], labelsBefore: [...labels, 'old'] } },
    })
    expect(rendered(slackMessage(message))).toMatch(
      /\*Labels\* .*label-7 and 5 more → .*label-7 and 5 more\n/,
    )
  })

  it('what leaves production empty, in red', () => {
    const fact: Fact = { kind: 'label-removed', label: 'production', from: 7 }
    const title = 'Maya removed production from support/refund-reply v7: nothing carries production now'
    const message = messageOf({
      fact,
      change: { danger: true, title },
      detail: { prompt: { labels: ['latest'], labelsBefore: ['latest', 'production'] } },
    })
    expect(rendered(slackMessage(message))).toMatchInlineSnapshot(`
      "Maya removed production from support/refund-reply v7: nothing carries production now
      colour #dc2626
      header: 🏷️ Label removed: support/refund-reply
      field: *Prompt* support/refund-reply
      field: *Version* v7
      field: *Labels* latest, production → latest
      field: *Author* Maya
      field: *Tags* support
      field: *Type* text
      section: > Softer tone
      [Open in Langfuse] https://cloud.langfuse.com/project/p1/prompts/support%2Frefund-reply?version=7
      [What changed] https://relay.example.com/changes/chg_1
      context: project p1 · chg_1"
    `)
  })

  it('tags', () => {
    const fact: Fact = { kind: 'tags-changed', added: ['vip'], removed: [] }
    const message = messageOf({ fact, change: { title: 'Maya tagged support/refund-reply with vip' } })
    expect(rendered(slackMessage(message))).toMatch(
      /🔖 Tags changed: support\/refund-reply[\s\S]*\*Tags\* support/,
    )
  })

  it('a deleted prompt', () => {
    const fact: Fact = { kind: 'deleted', versions: [1, 2], labels: ['latest'], whole: true }
    const message = messageOf({
      fact,
      change: {
        version: 2,
        actor: null,
        title: 'Someone deleted the prompt support/refund-reply (versions 1–2)',
      },
      detail: { prompt: { commitMessage: null, tags: [], labels: ['latest'], labelsBefore: ['latest'] } },
    })
    expect(rendered(slackMessage(message))).toMatchInlineSnapshot(`
      "Someone deleted the prompt support/refund-reply (versions 1–2)
      colour #d97706
      header: 🗑️ Deleted: support/refund-reply
      field: *Prompt* support/refund-reply
      field: *Version* v2
      field: *Labels* latest
      field: *Author* unknown
      field: *Type* text
      [Open in Langfuse] https://cloud.langfuse.com/project/p1/prompts/support%2Frefund-reply?version=7
      [What changed] https://relay.example.com/changes/chg_1
      context: project p1 · chg_1"
    `)
  })

  it('a prompt seen for the first time', () => {
    const fact: Fact = { kind: 'first-seen', version: 7, labels: ['production'] }
    const title = 'support/refund-reply v7 is labelled production (seen for the first time)'
    expect(rendered(slackMessage(messageOf({ fact, change: { title } })))).toContain('👀 First seen')
  })

  it('an alert, its Markdown as Slack writes it, with both links', () => {
    const message = other(
      { kind: 'alert', severity: 'ALERT', monitorId: 'm1' },
      { danger: true, subject: 'p95 latency', title: 'Alert: p95 latency' },
      {
        message: '`p95(observations.latency)` is **above** `8000` over the last **1h**',
        environments: ['production', 'staging'],
        links: alertLinks,
      },
    )
    expect(rendered(slackMessage(message))).toMatchInlineSnapshot(`
      "Alert: p95 latency
      colour #dc2626
      header: 🔔 Alert: p95 latency
      field: *Severity* ALERT
      field: *Environments* production, staging
      section: \`p95(observations.latency)\` is *above* \`8000\` over the last *1h*
      [Open the alert] https://cloud.langfuse.com/project/p1/alerts/m1
      [Open the data] https://cloud.langfuse.com/project/p1/observations
      [Details] https://relay.example.com/changes/chg_1
      context: project p1 · chg_1"
    `)
  })

  it('its recovery, in green', () => {
    const message = other(
      { kind: 'recovered', severity: 'OK', monitorId: 'm1' },
      { subject: 'p95 latency', title: 'Recovered: p95 latency' },
      { message: 'All is well', links: alertLinks.slice(0, 1) },
    )
    expect(rendered(slackMessage(message))).toMatchInlineSnapshot(`
      "Recovered: p95 latency
      colour #16a34a
      header: ✅ Recovered: p95 latency
      field: *Severity* OK
      section: All is well
      [Open the alert] https://cloud.langfuse.com/project/p1/alerts/m1
      [Details] https://relay.example.com/changes/chg_1
      context: project p1 · chg_1"
    `)
  })

  it('a recovery, with how long its alert lasted', () => {
    const message = other(
      { kind: 'recovered', severity: 'OK', monitorId: 'm1' },
      { subject: 'p95 latency', title: 'Recovered after 42 min: p95 latency' },
      { alert: { changeId: 'chg_0', title: 'Alert: p95 latency', since: 0, forMs: 42 * 60_000 } },
    )
    expect(rendered(slackMessage(message))).toContain('field: *Lasted* 42 min')
  })

  it.each([
    ['WARNING', '⚠️ Warning', '#d97706'],
    ['NO_DATA', '🔕 No data', '#6b7280'],
    ['LATER', '🔕 LATER', '#6b7280'],
  ])('an alert of severity %s as "%s"', (severity, words, colour) => {
    const message = other({ kind: 'alert', severity, monitorId: 'm1' }, { subject: 'p95', title: 'x' })
    const text = rendered(slackMessage(message))
    expect(text).toContain(`header: ${words}: p95`)
    expect(text).toContain(`colour ${colour}`)
  })

  it.each([
    ['WARNING', '#d97706'],
    ['INFO', '#6b7280'],
  ])('a notification of severity %s in its colour', (severity, colour) => {
    const fact = { kind: 'notification', eventType: 'blob-export-failed', severity } as const
    const text = rendered(slackMessage(other(fact, { subject: 's3', title: 'x' })))
    expect(text).toContain('header: 📣 Blob export failed: s3')
    expect(text).toContain(`colour ${colour}`)
  })

  it('a trace that someone asked to have looked at', () => {
    const ids = { traceId: '1c563dcf980b449abb0dcbeaf1784e81', observationId: null, sessionId: 's-1' }
    const trace = { name: '<!channel> agent', user: 'u-7', environment: 'eu', level: 'ERROR' }
    const message = other(
      { kind: 'trace-callback', ...ids, confirmed: true },
      { subject: ids.traceId, title: 'Someone asked for a look at trace agent (1c563dcf…)' },
      {
        environments: ['eu'],
        trace: { ...trace, latencyMs: 2500, cost: 0.0123, observations: 12, startedAt: 0 },
      },
    )
    expect(rendered(slackMessage(message))).toMatchInlineSnapshot(`
      "Someone asked for a look at trace agent (1c563dcf…)
      colour #2563eb
      header: 👉 Look requested: &lt;!channel&gt; agent
      field: *Name* &lt;!channel&gt; agent
      field: *Trace* 1c563dcf980b449abb0dcbeaf1784e81
      field: *Session* s-1
      field: *User* u-7
      field: *Level* ERROR
      field: *Latency* 2.5 s
      field: *Cost* 0.0123 USD
      field: *Observations* 12
      field: *Environments* eu
      [Details] https://relay.example.com/changes/chg_1
      context: project p1 · chg_1"
    `)
  })

  it("one of Langfuse's notifications", () => {
    const message = other(
      { kind: 'notification', eventType: 'evaluator-blocked', severity: 'ALERT' },
      { danger: true, subject: 'toxicity', title: 'Evaluator toxicity is blocked in Support' },
      {
        message: 'The connection has no credit.',
        links: [{ label: 'Open in Langfuse', url: 'https://l.example/e' }],
      },
    )
    expect(rendered(slackMessage(message))).toMatchInlineSnapshot(`
      "Evaluator toxicity is blocked in Support
      colour #dc2626
      header: 📣 Evaluator blocked: toxicity
      field: *Severity* ALERT
      section: The connection has no credit.
      [Open in Langfuse] https://l.example/e
      [Details] https://relay.example.com/changes/chg_1
      context: project p1 · chg_1"
    `)
  })

  it('deliveries that were given up', () => {
    const message = other(
      { kind: 'given-up', target: 'github', count: 3 },
      { danger: true, projectId: null, subject: 'github', title: '3 deliveries to github given up' },
      { message: 'The changes are kept.' },
    )
    expect(rendered(slackMessage(message))).toMatchInlineSnapshot(`
      "3 deliveries to github given up
      colour #dc2626
      header: ⛔ Given up: github
      section: The changes are kept.
      [View and replay] https://relay.example.com/changes/chg_1
      context: chg_1"
    `)
  })

  it('what did not fit in a body of unknown shape', () => {
    const message = other(
      { kind: 'unrecognised' },
      { projectId: null, subject: 'unrecognised', title: 'A signed request of unknown shape' },
      { problems: ['type: is missing', 'id: is <empty>'] },
    )
    expect(rendered(slackMessage(message))).toContain('• type: is missing\n• id: is &lt;empty&gt;')
  })

  it('that it is only a test', () => {
    expect(rendered(slackMessage(messageOf({ change: { test: true } })))).toContain(
      'context: test · project p1',
    )
  })
})

describe('a digest', () => {
  it('has each change on a line with its link, and marks the dangerous ones', () => {
    const quiet = messageOf()
    const loud = messageOf({ change: { danger: true, title: 'Maya deleted a <b>' } })
    expect(rendered(slackDigest([quiet, loud]))).toMatchInlineSnapshot(`
      "2 changes. Maya promoted support/refund-reply v7 to production, was v6 …
      colour #dc2626
      section: 🚀 Maya promoted support/refund-reply v7 to production, was v6 <https://relay.example.com/changes/chg_1|What changed>
      section: 🔴 Maya deleted a &lt;b&gt; <https://relay.example.com/changes/chg_1|What changed>"
    `)
  })
})

describe('a burst in Slack', () => {
  it('has its title, five of its rows with their traces, and how many more there are', () => {
    const shown = JSON.stringify(
      slackMessage(burst(errors(20), { count: 37 } as never, '37 errors in checkout-agent in 5 minutes')),
    )
    expect(shown).toContain('37 errors in checkout-agent in 5 minutes')
    expect(shown.match(/broken \d/g)).toEqual(['broken 0', 'broken 1', 'broken 2', 'broken 3', 'broken 4'])
    expect(shown.split(`<${traceUrl}|Trace>`)).toHaveLength(6)
    expect(shown).toContain('… and 32 more')
    expect(shown).toContain('• 2026-08-21 09:00:00 UTC ERROR')
    expect(shown).toContain('#dc2626')
  })

  it('shows only what the rule matched', () => {
    const message = burst(errors(3), { count: 1, rows: [2], isLeast: true } as never)
    const shown = JSON.stringify(slackMessage(message))
    expect(shown).toContain('Error in checkout-agent: broken 2')
    expect(shown).not.toContain('broken 0')
    expect(shown).not.toContain('3 errors')
    expect(JSON.stringify(slackDigest([message, message]))).toContain('Error in checkout-agent: broken 2')
  })

  it('has scores with their values', () => {
    const shown = JSON.stringify(slackMessage(burst([scoreRow({ message: 'too short' })])))
    expect(shown).toContain('0.3 · helpfulness · EVAL · production: too short')
  })

  it('makes no links and mentions of what traces hold, and stays within its limits', () => {
    const hostile = '<!channel> <https://evil.test|ok> '.repeat(6).slice(0, 200)
    const message = slackMessage(
      burst(errors(20, { message: hostile, name: hostile, model: hostile, environment: hostile })),
    )
    expect(slackProblems(message)).toEqual([])
    expect(JSON.stringify(message)).toContain('&lt;!channel&gt;')
  })
})

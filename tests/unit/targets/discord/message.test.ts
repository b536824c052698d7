import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { factKinds } from '#lib/core/change/kinds.ts'
import { discordDigest, discordMessage } from '#lib/targets/discord/message.ts'
import { fromMarkdown, named } from '#lib/targets/discord/text.ts'
import { discordProblems } from '../../../mocks/discord.ts'
import { everywhere, hostile } from '../hostile.ts'
import { difference, messageOf, messageOfKind } from '../messages.ts'

/** A message as a person reads it, top to bottom. */
function seen({ content, embeds }: ReturnType<typeof discordMessage>): string {
  const [{ title, url, color, fields = [], description, footer }] = embeds
  const lines = fields.map(({ name, value }) => `${name}: ${value}`)
  const colour = `colour #${color.toString(16).padStart(6, '0')}`
  return [content, colour, `${title} ${url}`, ...lines, description, footer?.text].join('\n')
}

describe('a Discord message', () => {
  it('shows a promotion, with the labels before and after and the difference', () => {
    expect(seen(discordMessage(messageOf({ detail: { difference } })))).toMatchInlineSnapshot(`
      "Maya promoted support/refund-reply v7 to production, was v6
      colour #16a34a
      🚀 Promoted: support/refund-reply https://relay.example.com/changes/chg_1
      Prompt: support/refund-reply
      Version: v6 → v7
      Labels: latest → latest, production
      Author: Maya
      Tags: support
      Type: text
      > Softer tone
      **v6 → v7**
      \`\`\`diff
        You are a support agent.
      - Refuse refunds after {{days}} days.
      + Offer a voucher after {{days}} days to {{customer_name}}.
      \`\`\`
      … 34 more lines [See all](https://relay.example.com/changes/chg_1)
      **Variables added** {{customer\\_name}}
      **Variables removed** placeholder history
      **Config** temperature: 0.7 → 0.2
      [Open in Langfuse](https://cloud.langfuse.com/project/p1/prompts/support%2Frefund-reply?version=7) · [What changed](https://relay.example.com/changes/chg_1)
      project p1 · chg_1"
    `)
  })

  it('shows an alert, with its code and bold text', () => {
    expect(seen(discordMessage(messageOfKind('alert')))).toMatchInlineSnapshot(`
      "Something of kind alert
      colour #dc2626
      🔔 Alert: p95 latency https://relay.example.com/changes/chg_1
      Severity: ALERT
      Environments: production
      It is **8.2 s**, above 5 s.
      [Open it](https://cloud.langfuse.com/project/p1/alerts/m1) · [Details](https://relay.example.com/changes/chg_1)
      project p1 · chg_1"
    `)
  })

  it('is marked as a test where it is one', () => {
    const { embeds } = discordMessage(messageOf({ change: { test: true } }))
    expect(embeds[0].footer?.text).toBe('test · project p1 · chg_1')
  })

  it.each(factKinds)('for a change of kind %s is one that Discord takes', (kind) => {
    expect(discordProblems(discordMessage(messageOfKind(kind)))).toEqual([])
  })

  it.each(Object.entries(hostile))(
    'stays within the limits, and acts on nothing, with %s everywhere in it',
    (_, bad) => {
      expect(discordProblems(discordMessage(everywhere(bad)))).toEqual([])
      expect(discordProblems(discordDigest(Array.from({ length: 20 }, () => everywhere(bad))))).toEqual([])
    },
  )

  it('stays within the limits, and acts on nothing, with any text', () => {
    const marks = fc.constantFrom(
      '\\',
      '*',
      '_',
      '`',
      '```',
      '<@1>',
      '@here',
      '[a](https://e.test)',
      '\n',
      '> ',
      '# ',
      '1. ',
    )
    const texts = fc.array(fc.oneof(marks, fc.string({ unit: 'binary' }))).map((parts) => parts.join(''))
    fc.assert(
      fc.property(texts, (text) => {
        expect(discordProblems(discordMessage(everywhere(text)))).toEqual([])
      }),
      { numRuns: 100 },
    )
  })
})

it.each([
  ['<@1> @here', 2],
  ['see https://evil.test', 1],
  ['[a](javascript:x)', 1],
  ['# large', 1],
  ['x'.repeat(2001), 1],
  ['', 1],
])('the stand-in refuses the content %j', (content, count) => {
  const body = { content, embeds: [{ title: 'x' }], allowed_mentions: { parse: [] } }
  expect(discordProblems(body).length).toBeGreaterThanOrEqual(count)
})

describe('a digest', () => {
  it('has each change on a line with its link, and marks the dangerous ones', () => {
    const loud = messageOf({ change: { danger: true, title: 'Maya deleted a_b' } })
    expect(seen(discordDigest([messageOf(), loud]))).toMatchInlineSnapshot(`
      "2 changes
      colour #dc2626
      undefined undefined
      🚀 Maya promoted support/refund-reply v7 to production, was v6 [What changed](https://relay.example.com/changes/chg_1)
      🔴 Maya deleted a\\_b [What changed](https://relay.example.com/changes/chg_1)
      "
    `)
  })

  it('takes twenty changes', () => {
    const all = Array.from({ length: 20 }, () => messageOf({ change: { title: 'x'.repeat(600) } }))
    const digest = discordDigest(all)
    expect(discordProblems(digest)).toEqual([])
    expect(digest.embeds[0].description?.split('\n')).toHaveLength(20)
  })
})

describe('a name', () => {
  it.each([
    ['order_id *now*', String.raw`order\_id \*now\*`],
    ['<@123> @everyone', String.raw`\<\@123\> \@everyone`],
    ['[a](https://evil.test)', String.raw`\[a\](https\://evil.test)`],
    ['Discord.GG/abc, discord.com/invite/abc', String.raw`Discord\.GG/abc, discord\.com/invite/abc`],
    ['v1.2 of a.b', 'v1.2 of a.b'],
    [':smile: at 9:30', String.raw`\:smile: at 9\:30`],
    ['# heading', String.raw`\# heading`],
    ['1. first', String.raw`1\. first`],
    ['0.7', '0.7'],
    ['-# small', String.raw`\-# small`],
    ['two\nlines', 'two lines'],
    ['back\\slash', String.raw`back\\slash`],
  ])('%j is shown as it is', (name, escaped) => {
    expect(named(name, 100)).toBe(escaped)
  })

  it('is truncated without half an escape', () => {
    expect(named('a____', 5)).toBe(String.raw`a\_…`)
    expect(named('____', 4)).toBe(String.raw`\_…`)
    expect(named('\\\\\\\\', 6)).toBe(String.raw`\\\\…`)
  })
})

describe('the Markdown of an alert', () => {
  it('keeps code, bold and italic text, and nothing else', () => {
    expect(fromMarkdown('`a_b` is **above_5** and *slow*, see [this](https://e.test) <@1>', 200)).toBe(
      String.raw`${'`a_b`'} is **above\_5** and *slow*, see \[this\](https\://e.test) \<\@1\>`,
    )
  })
})

import { describe, expect, it } from 'vitest'
import { factKinds } from '#lib/core/change/kinds.ts'
import { slackDigest, slackMessage } from '#lib/targets/slack/message.ts'
import { slackProblems } from '../../../mocks/slack.ts'
import { everywhere, hostile } from '../hostile.ts'
import { difference, messageOf } from '../messages.ts'
import { rendered } from './rendered.ts'

/** Every text of it that Slack reads as its markup. */
const everything = (message: unknown): string => JSON.stringify(message)

describe('a Slack message holds against hostile input', () => {
  it.each(Object.entries(hostile))(
    '%s everywhere in it stays within the limits and does nothing',
    (_, bad) => {
      expect(slackProblems(slackMessage(everywhere(bad)))).toEqual([])
      expect(slackProblems(slackDigest(Array.from({ length: 20 }, () => everywhere(bad))))).toEqual([])
    },
  )

  it.each(factKinds)('so does a change of kind %s', (kind) => {
    const bad = Object.values(hostile).join('').slice(0, 20_000)
    const message = everywhere(bad)
    const asPrompt = { ...message, change: { ...message.change, kind } }
    const links = [{ label: bad, url: `https://x.example/${'y'.repeat(2900)}` }]
    const detail = { ...message.change.detail, prompt: null, links: [...links, ...links, ...links] }
    expect(slackProblems(slackMessage(asPrompt))).toEqual([])
    expect(slackProblems(slackMessage({ ...asPrompt, change: { ...asPrompt.change, detail } }))).toEqual([])
  })

  it('stays within the limits also with four long addresses beside it', () => {
    const url = `https://x.example/${'y'.repeat(1400)}`
    const message = everywhere('"\\'.repeat(4000))
    const links = Array.from({ length: 3 }, () => ({ label: '"'.repeat(100), url }))
    const detail = { ...message.change.detail, links }
    for (const prompt of [null, detail.prompt]) {
      const change = { ...message.change, detail: { ...detail, prompt } }
      expect(
        slackProblems(slackMessage({ ...message, change, links: { page: url, langfuse: url } })),
      ).toEqual([])
    }
  })

  it('asks Slack to make nothing of its own of the texts, and to unfurl no link', () => {
    const message = slackMessage(messageOf({ detail: { difference } }))
    const texts = everything(message).match(/"type":"mrkdwn"/g)
    expect(everything(message).match(/"verbatim":true/g)).toEqual(texts?.map(() => '"verbatim":true'))
    expect(message).toMatchObject({ link_names: false, unfurl_links: false, unfurl_media: false })
  })

  it('counts no unchanged line as left out', () => {
    const lines = Array.from({ length: 400 }, (_, i) => ({
      sign: i % 2 ? ('+' as const) : (' ' as const),
      text: 'x'.repeat(90),
    }))
    const shown = rendered(
      slackMessage(messageOf({ detail: { difference: { ...difference, lines, cutLines: 0 } } })),
    )
    const kept = shown.match(/^\+ x+$/gm) ?? []
    expect(shown).toContain(`… ${200 - kept.length} more lines`)
  })

  it('escapes the three characters of Slack, once', () => {
    const message = everything(
      slackMessage(messageOf({ change: { subject: 'a <b> & c', title: 'a <b> & c' } })),
    )
    expect(message).toContain('"text":"a &lt;b&gt; &amp; c"')
    expect(message).not.toMatch(/a <b>|&amp;(lt|gt|amp);/)
  })

  it('shows characters that would hide or turn text around', () => {
    const { text } = slackMessage(messageOf({ change: { title: 'a\u202Eb\u0000c\u200bd' } }))
    expect(text).toBe('a[U+202E]b[U+0000]c[U+200B]d')
  })

  it('shows tag characters and other hidden text of a difference', () => {
    const hidden = [...'ignore'].map((c) => String.fromCodePoint(0xe0000 + c.charCodeAt(0))).join('')
    const lines = [{ sign: '+' as const, text: `Be kind.${hidden}\u3164\u00A0` }]
    const shown = rendered(slackMessage(messageOf({ detail: { difference: { ...difference, lines } } })))
    expect(shown).toContain('+ Be kind.[U+E0069][U+E0067]')
    expect(shown).toContain('[U+E0065][U+3164][U+00A0]')
    expect(shown).not.toMatch(/[\u{E0000}-\u{E007F}\u3164\u00A0]/u)
  })

  it('keeps a name on one line, so that it cannot pass for another field', () => {
    const message = slackMessage(
      messageOf({ change: { subject: 'x\n*Author*\nMaya', title: 'x\n*Author*\nMaya' } }),
    )
    expect(everything(message)).not.toContain('x\\n*Author*')
  })

  it('cuts between characters and never inside an escape', () => {
    for (let pad = 0; pad < 12; pad++) {
      const text =
        slackMessage(messageOf({ change: { title: `${'x'.repeat(pad)}${'&😀'.repeat(500)}` } })).text ?? ''
      expect(text.length).toBeLessThan(1000)
      expect(text).toMatch(/^x*(&amp;😀)+(&amp;)?…$/u)
    }
  })

  it('leaves out a button that Slack would refuse the message for', () => {
    const links = { page: 'javascript:alert(1)', langfuse: `https://l.example/${'x'.repeat(3000)}` }
    const shown = everything(slackMessage(messageOf({ links, detail: { difference } })))
    expect(shown).not.toMatch(/javascript|l\.example|"actions"/)
  })

  it('cuts a long difference at a line, says how much is left, and where to see it', () => {
    const lines = Array.from({ length: 500 }, (_, i) => ({
      sign: '+' as const,
      text: `line ${i} ${'x'.repeat(100)}`,
    }))
    const message = slackMessage(
      messageOf({ detail: { difference: { ...difference, lines, cutLines: 34 } } }),
    )
    const block = /```\n([\s\S]*)\n```\n(.*)/.exec(rendered(message))
    const kept = block?.[1]?.split('\n') ?? []
    expect(kept.length).toBeGreaterThan(10)
    expect(kept.every((line) => /^\+ line \d+ x{100}$/.test(line))).toBe(true)
    expect(block?.[2]).toBe(
      `… ${534 - kept.length} more lines <https://relay.example.com/changes/chg_1|See all>`,
    )
  })

  it('keeps the rest when the difference takes all the room', () => {
    const shown = rendered(slackMessage(everywhere('"quoted" & <b>')))
    expect(shown).toMatch(/field: \*Version\* v6 → v7/)
    expect(shown).toMatch(/\[What changed\]/)
  })
})

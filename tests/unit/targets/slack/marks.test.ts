import { describe, expect, it } from 'vitest'
import { slackDigest, slackMessage } from '#lib/targets/slack/message.ts'
import { named, plain, quoted } from '#lib/targets/slack/text.ts'
import { difference, messageOf } from '../messages.ts'
import { rendered } from './rendered.ts'

/** What acts outside of code, as Slack documents its markup; our own bold names of fields are taken off before. */
const acting = /(?<![\p{L}\p{N}])([*_~])\S[^\n]*?\1(?![\p{L}\p{N}])|:[^\s:]+:|^&gt;|`/mu
const withoutCode = (text: string): string => text.replace(/`[^`\n]+`/g, 'code')

describe("Slack's marks in a name", () => {
  it.each([
    ['_prod_', '`_prod_`'],
    ['*/5 * * * *', '`*/5 * * * *`'],
    ['~gone~', '`~gone~`'],
    [':fire:', '`:\u2060fire:`'],
    ['say :+1: twice', '`say :\u2060+1: twice`'],
    [':火:', '`:\u2060火:`'],
    ['> quoted', '`&gt; quoted`'],
    ['_internal_/x', '`_internal_/x`'],
  ])('%s are shown as they are', (name, shown) => {
    expect(named(name, 100)).toBe(shown)
    expect(withoutCode(named(name, 100))).not.toMatch(acting)
  })

  it.each([
    'order_id',
    'support/refund-reply',
    'at 10:30',
    'a*b',
    '2 < 3',
    'v1.0~beta',
    'note: x, y: z',
    '{"a":"b","c":1}',
  ])('%s has none that acts, and no code around it', (name) => {
    expect(named(name, 100)).not.toContain('`')
  })

  it('are kept apart where a backtick leaves no place for code', () => {
    expect(named('`x` and _y_ :fire:', 100).replaceAll('\u2060', '')).toBe('`x` and _y_ :fire:')
    expect(named('`x` and _y_ :fire:', 100)).not.toMatch(/`x|_y|:fire:/)
  })

  it('stay within the length, code and all', () => {
    for (const name of ['_'.repeat(500), `_${'&'.repeat(500)}`, ':a:'.repeat(200), '`'.repeat(500)]) {
      expect(named(name, 60).length).toBeLessThanOrEqual(60)
      expect(plain(name, 60).length).toBeLessThanOrEqual(60)
      expect(named(name, 60)).not.toMatch(/&[a-z]*(…|`)/)
    }
  })

  it('and in a commit message are shown as they are, line by line', () => {
    expect(quoted('Fix *all* things\nplain\n> not ours', 500)).toBe(
      '> `Fix *all* things`\n> plain\n> `&gt; not ours`',
    )
  })
})

describe("Slack's marks anywhere in a change", () => {
  const marked = '*a* _b_ ~c~ :fire:'
  const message = messageOf({
    change: { subject: marked, title: `Maya promoted ${marked}`, actor: marked, projectId: marked },
    detail: {
      prompt: {
        labels: [marked],
        labelsBefore: ['x', marked],
        tags: [marked],
        promptType: marked,
        commitMessage: marked,
      },
      problems: [marked],
      environments: [marked],
      difference: {
        ...difference,
        lines: [],
        cutLines: 0,
        variablesAdded: [marked],
        config: [{ key: marked, before: marked, after: marked }],
      },
    },
  })

  it('take no effect', () => {
    const lines = rendered(slackMessage(message)).split('\n').slice(2)
    // Ours: a title in bold, the place of a block. A header and a button are `plain_text`, where no mark acts.
    const theirs = lines
      .filter((line) => !/^(header:|\[)/.test(line))
      .map((line) => withoutCode(line.replace(/\*[A-Z][a-z ]+\*|^\w+: /g, '')))
    expect(theirs.length).toBeGreaterThan(5)
    for (const line of theirs) expect(line.replace(/^(> |\w+: )+/, '')).not.toMatch(acting)
  })

  it('are no markup in the sentence above it, where code would be seen', () => {
    for (const sent of [slackMessage(message), slackDigest([message, message])]) {
      expect(sent.mrkdwn).toBe(false)
      expect(sent.text).not.toContain(':fire:')
      expect(sent.text?.replaceAll('\u2060', '')).toContain(marked)
    }
  })

  it('make no picture in a header or on a button', () => {
    const links = [{ label: ':fire:', url: 'https://l.example/x' }]
    const change = { ...message.change, detail: { ...message.change.detail, prompt: null, links } }
    const texts = JSON.stringify(slackMessage({ ...message, change })).match(/"type":"plain_text"[^}]*/g)
    expect(texts).toHaveLength(3)
    for (const text of texts ?? []) expect(text).toMatch(/"emoji":false$/)
    expect(texts?.join()).not.toContain(':fire:')
  })
})

import { difference, messageOf } from './messages.ts'

/** What anyone may put into a prompt, a name or a message. */
export const hostile = {
  'a mention': '<!channel> <@U012AB> <!here|x> @channel',
  'a forged link': '<http://evil.example|click here>',
  'an invitation': 'discord.gg/abc https://discord.com/invite/abc discordapp.com/invite/a discord.gift/b',
  'an entity': '&lt;!channel&gt; &amp;',
  'a code block': '```\nout\n``` ```` `````',
  'text from right to left': '\u202Egnp.exe \u2066x\u2069 \u200F',
  'control characters': '\u0000\u001b[31m\u0007\r\u200b',
  'lone surrogates': '\uD83D x \uDE00',
  emoji: '👩‍👩‍👧‍👦🏴‍☠️🇩🇪'.repeat(40),
  'quotes and backslashes': '"\\'.repeat(4000),
  'line breaks': '\n'.repeat(5000),
  'a name of 255 characters': 'n'.repeat(255),
  'ampersands, five characters each': '&'.repeat(5000),
  'a megabyte': 'a<b '.repeat(250_000),
}

/** A change with it wherever a text can be. */
export const everywhere = (bad: string) =>
  messageOf({
    text: bad,
    links: {
      page: `https://relay.example.com/changes/${encodeURIComponent(bad.toWellFormed()).slice(0, 2900)}`,
      langfuse: `https://cloud.langfuse.com/project/p1/prompts/${encodeURIComponent(bad.toWellFormed()).slice(0, 2900)}`,
    },
    change: { subject: bad, title: `${bad} promoted ${bad}`, actor: bad, projectId: bad },
    detail: {
      prompt: {
        labels: Array.from({ length: 40 }, (_, i) => `${bad}${i}`),
        labelsBefore: Array.from({ length: 40 }, (_, i) => `${i}${bad}`),
        tags: Array.from({ length: 40 }, () => bad),
        promptType: bad,
        commitMessage: bad,
      },
      message: bad,
      problems: Array.from({ length: 40 }, () => bad),
      environments: [bad, bad],
      reconciled: { from: 0, to: 1, late: { by: bad, at: 1, changeId: bad } },
      difference: {
        ...difference,
        lines: Array.from({ length: 500 }, (_, i) => ({
          sign: i % 2 ? ('+' as const) : ('-' as const),
          text: bad,
        })),
        variablesAdded: Array.from({ length: 40 }, () => bad),
        variablesRemoved: Array.from({ length: 40 }, () => bad),
        config: Array.from({ length: 40 }, () => ({ key: bad, before: bad, after: bad })),
      },
    },
  })

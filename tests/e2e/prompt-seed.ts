import type { DifferenceSummary, VersionState } from '#lib/core/change/change.ts'
import { summarise } from '#lib/core/difference/summary.ts'
import type { VersionContent } from '#lib/core/prompt/fold.ts'
import { openDatabase } from '#lib/store/client.ts'
import { saveVersions } from '#lib/store/tables/prompts.ts'
import { hostileName } from './team-week.ts'

const minute = 60_000

/** The project of seeded changes. */
export const projectId = 'cm1q7ayx2000008l2g7rz3v5k'

interface SeedVersion extends Partial<Omit<VersionState, 'updatedAt'>> {
  version: number
  /** In minutes. */
  ago: number
  text?: unknown
  config?: unknown
}

export interface SeedPrompt {
  name: string
  project?: string
  versions: SeedVersion[]
}

export async function seedPrompts(url: string, prompts: SeedPrompt[], now: number): Promise<void> {
  const db = await openDatabase(url)
  for (const { name, project = projectId, versions } of prompts) {
    const states = versions.map(
      ({ ago, text: _, config: __, ...state }): VersionState => ({
        promptId: null,
        labels: [],
        tags: [],
        promptType: 'text',
        commitMessage: null,
        createdBy: 'clu_maya',
        deleted: false,
        ...state,
        updatedAt: now - ago * minute,
      }),
    )
    const contents = versions.flatMap(({ version, text, config = {} }): [number, VersionContent][] =>
      text === undefined ? [] : [[version, { text, config }]],
    )
    await saveVersions(db, { projectId: project, name }, states, new Map(contents))
  }
  await db.destroy()
}

const refund = (greeting: string, rules: string[]): string =>
  [
    'You write replies to customers of {{company}} who ask for a refund.',
    '',
    greeting,
    '',
    '## Rules',
    ...rules,
    '',
    '## Never',
    '- promise a date',
    '- quote a section of the handbook',
    '- ask for what is in the order',
    '- blame the carrier',
    '',
    '## Shape',
    '- a greeting',
    '- one paragraph',
    '- a way to reach a person',
  ].join('\n')

const refundVersions: SeedVersion[] = [
  { version: 1, ago: 90_000, deleted: true, commitMessage: 'First try' },
  { version: 2, ago: 70_000, commitMessage: 'From the handbook', createdBy: 'API' },
  {
    version: 6,
    ago: 1500,
    labels: ['staging'],
    tags: ['support', 'tier-1'],
    commitMessage: 'Ask for the order number',
    text: refund('Keep it short. Ask {{customer}} for the order number.', ['- one apology is enough']),
    config: { model: 'gpt-5.4', temperature: 0.7 },
  },
  {
    version: 7,
    ago: 17,
    labels: ['latest', 'production'],
    tags: ['support', 'tier-1'],
    commitMessage: 'Say sorry first, then refund',
    text: refund('Keep it short. Use {{customer_name}} and {{order_id}}, never ask for the order number.', [
      '- say sorry first; one apology is enough',
      '- offer a voucher where the refund would take longer than three days',
    ]),
    config: { model: 'gpt-5.4', temperature: 0.2, max_tokens: 400 },
  },
]

const message = (role: string, content: string) => ({ role, content })

const chat: SeedPrompt = {
  name: 'movie-critic/chat 🎬',
  versions: [
    {
      version: 1,
      ago: 600,
      promptType: 'chat',
      text: [
        message('system', 'You are a {{level}} movie critic.'),
        message('user', 'What do you think about {{movie}}?'),
      ],
    },
    {
      version: 2,
      ago: 300,
      promptType: 'chat',
      labels: ['latest'],
      text: [
        message('system', 'You are a kind {{level}} movie critic.\r\nAnswer as JSON.'),
        { type: 'placeholder', name: 'history' },
        message('user', 'What do you think about {{movie}}?'),
      ],
    },
  ],
}

/** Every line differs: nothing can be folded, and only part of it can be shown. */
const handbook = (word: string): string =>
  Array.from(
    { length: 9000 },
    (_, i) => `Rule ${i}: never say ${word} ${(i * 7919) % 9973} to a customer.`,
  ).join('\n')

/** Markup, a line reordered by an override, a bell, and half a character. */
const hostileText = (more: string): string =>
  `</script><script>alert(1)</script>\n<img src=x onerror=alert(2)> {{7*7}}\n\u202Ereordered\u202C\u0007 ${more}\nمرحبا ${more} بالعالم`

/** Names that a path, a browser or a router might misread. */
export const oddNames = [
  '100% sure',
  'a%2Fb/c',
  'query?like=this#and-that',
  'by-name',
  'a.b/..c/d..',
  '../../login',
  'a/./b',
  'a//b/',
  'back\\slash',
  '(.)folder/[...name]/@slot',
  'file.rsc',
  'constructor/__proto__',
  '客服/退款/ответ "v2" & Ünïcode',
]

export const prompts: SeedPrompt[] = [
  { name: 'support/refund-reply', versions: refundVersions },
  chat,
  {
    name: 'policy-handbook',
    versions: [
      { version: 11, ago: 400, text: handbook('maybe') },
      { version: 12, ago: 200, text: handbook('perhaps'), labels: ['latest'] },
    ],
  },
  {
    name: hostileName,
    versions: [
      { version: 1, ago: 3000, text: hostileText('old'), config: { '<b>': '<script>' } },
      {
        version: 2,
        ago: 2000,
        text: hostileText('new'),
        labels: ['latest'],
        tags: [hostileName],
        commitMessage: hostileName,
        createdBy: hostileName,
        config: { '<b>': hostileName },
      },
    ],
  },
  { name: 'greeting', project: 'project-a', versions: [{ version: 1, ago: 9, text: 'Hello {{name}}!' }] },
  { name: 'greeting', project: 'project-b', versions: [{ version: 1, ago: 8, text: 'Hi {{name}}!' }] },
  ...oddNames.map((name) => ({
    name,
    versions: [1, 2].map((version) => ({ version, ago: 50, text: `text ${version}` })),
  })),
  {
    name: 'many',
    versions: Array.from({ length: 45 }, (_, i) => ({ version: i + 1, ago: 100 - i, text: `Text ${i + 1}` })),
  },
]

/** The excerpt stored with the change from v6 to v7. */
export function refundDifference(): DifferenceSummary {
  const [before, after] = refundVersions.slice(-2)
  const shown = ({ version, text, config }: SeedVersion) => ({ version, text, config })
  if (!before || !after) throw new Error('No versions')
  return summarise(shown(before), shown(after))
}

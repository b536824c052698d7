import type { SubjectName } from './subjects.ts'

/** What a number should be. `ratio` and `difference`: against the same round's number of another subject. */
export interface Goal {
  text: string
  by: 'value' | 'ratio' | 'difference'
  against?: string
  least?: number
  most?: number
  /** For which subjects; ours by default. */
  of?: (subject: string) => boolean
  /** A broken one fails the run. */
  isHard?: boolean
}

export interface Measure {
  title: string
  unit: string
  digits: number
  goals: readonly Goal[]
  /** What ratios are printed against. */
  base?: string
}

const accept: Pick<Measure, 'unit' | 'digits' | 'base' | 'goals'> = {
  unit: 'requests/s',
  digits: 0,
  base: 'empty' satisfies SubjectName,
  goals: [
    { text: 'at least 0.85 of the empty handler', by: 'ratio', against: 'empty', least: 0.85 },
    { text: 'above the BullMQ tutorial', by: 'ratio', against: 'queue', least: 1 },
  ],
}

/** Against the same engine with 1,000 stored changes. */
const millionGoals = (what: string): Goal[] =>
  (['sqlite', 'postgres'] as const).map((engine) => ({
    text: `${what} within 1.2 times of that at 1,000 changes`,
    by: 'ratio',
    against: `${engine}, 1,000`,
    ...(what === 'accept rate' ? { least: 1 / 1.2 } : { most: 1.2 }),
    of: (subject) => subject.startsWith(engine) && subject !== `${engine}, 1,000`,
  }))

const settling: Pick<Measure, 'unit' | 'digits'> = { unit: 'edits/s', digits: 0 }
const growth: Measure['goals'] = [
  { text: 'linear: the last quarter takes at most 1.5 times the first', by: 'value', most: 1.5 },
]

const any = () => true

/** Everything that is measured, in the order of the report. */
export const measures = {
  accept: { ...accept, title: 'Durable accept, 32 at once' },
  acceptBusy: { ...accept, title: 'Durable accept, 32 at once, each settled and delivered meanwhile' },
  acceptCpu: {
    title: 'Processor time of the server for each of these requests, of the first row',
    unit: 'ms',
    digits: 2,
    base: 'empty',
    goals: [],
  },
  oneP50: {
    title: 'One at a time, p50',
    unit: 'ms',
    digits: 2,
    base: 'empty',
    goals: [
      { text: 'at most 0.6 ms above the empty handler', by: 'difference', against: 'empty', most: 0.6 },
    ],
  },
  openP99: {
    title: 'p99 at 200 requests/s, from the time each was meant to start',
    unit: 'ms',
    digits: 2,
    base: 'empty',
    goals: [{ text: 'at most 3 times the empty handler', by: 'ratio', against: 'empty', most: 3 }],
  },
  memory: {
    title: 'Peak memory under this load',
    unit: 'MB',
    digits: 0,
    base: 'empty',
    goals: [{ text: 'at most 1.2 times the empty handler', by: 'ratio', against: 'empty', most: 1.2 }],
  },
  start: {
    title: 'Start to first webhook answered',
    unit: 'ms',
    digits: 0,
    base: 'empty',
    goals: [{ text: 'at most 300 ms above the empty app', by: 'difference', against: 'empty', most: 300 }],
  },
  slackP50: {
    title: 'Request to Slack, nothing to wait for, 50/s, p50',
    unit: 'ms',
    digits: 1,
    goals: [{ text: 'within 25 ms', by: 'value', most: 25 }],
  },
  slackP99: {
    title: 'Request to Slack, nothing to wait for, 50/s, p99',
    unit: 'ms',
    digits: 1,
    goals: [{ text: 'within 150 ms', by: 'value', most: 150 }],
  },
  earlyP50: {
    title: 'New version of a known prompt: last event to Slack, window of 2 s, p50',
    unit: 'ms',
    digits: 1,
    goals: [{ text: 'within 100 ms', by: 'value', most: 100 }],
  },
  earlyP99: {
    title: 'New version of a known prompt: last event to Slack, window of 2 s, p99',
    unit: 'ms',
    digits: 1,
    goals: [],
  },
  drain: {
    title: 'Drain of 4,000 deliveries to two targets, pace off',
    unit: 'deliveries/s',
    digits: 0,
    goals: [{ text: '1,000 deliveries/s or more', by: 'value', least: 1000 }],
  },
  drainGrowth: {
    title: 'Drain: time for each delivery of 4,000, over that of 400',
    unit: '×',
    digits: 2,
    goals: [{ text: 'linear: at most 1.25', by: 'value', most: 1.25 }],
  },
  settleOne: { ...settling, title: 'Settle: 2,000 edits of one prompt', goals: [] },
  settleOneGrowth: {
    title: 'Settle, one prompt: last quarter over first',
    unit: '×',
    digits: 2,
    goals: growth,
  },
  settleMany: { ...settling, title: 'Settle: one edit each of 2,000 prompts', goals: [] },
  settleManyGrowth: {
    title: 'Settle, many prompts: last quarter over first',
    unit: '×',
    digits: 2,
    goals: growth,
  },
  hourRate: {
    title: 'An hour of 20 changes/s in simulated time: changes in a second of real time',
    unit: 'changes/s',
    digits: 0,
    goals: [{ text: 'faster than they come', by: 'value', least: 20 }],
  },
  hourHeap: {
    title: 'The same hour: growth of the heap after its first ten minutes',
    unit: 'MB',
    digits: 1,
    goals: [{ text: 'flat: at most 10 MB', by: 'value', most: 10 }],
  },
  hourResident: {
    title: 'The same hour: growth of the process after its first ten minutes',
    unit: 'MB',
    digits: 0,
    goals: [{ text: "at most 100 MB, of which 64 are SQLite's cache of pages", by: 'value', most: 100 }],
  },
  hourDelayP99: {
    title: 'The same hour: delay of the event loop, p99',
    unit: 'ms',
    digits: 1,
    goals: [{ text: 'at most 50 ms', by: 'value', most: 50 }],
  },
  hourDelayMax: {
    title: 'The same hour: delay of the event loop, longest',
    unit: 'ms',
    digits: 0,
    goals: [],
  },
  diff: {
    title: 'Difference of two 1 MB prompts',
    unit: 'ms',
    digits: 0,
    goals: [
      {
        text: 'under 200 ms, or coarse and saying so',
        by: 'value',
        most: 200,
        of: (subject) => !subject.endsWith('(coarse)'),
      },
    ],
  },
  clientScript: {
    title: 'Client JavaScript of the list page, gzip',
    unit: 'KB',
    digits: 1,
    goals: [{ text: 'at most 150 KB', by: 'value', most: 150, of: any, isHard: true }],
  },
  install: {
    title: 'npm install',
    unit: 'MB',
    digits: 0,
    goals: [{ text: 'at most 1,000 MB', by: 'value', most: 1000, of: any, isHard: true }],
  },
  function: {
    title: 'Function of the webhook route, all its files, unpacked',
    unit: 'MB',
    digits: 1,
    goals: [{ text: 'at most 50 MB', by: 'value', most: 50, of: any, isHard: true }],
  },
  lookFirst: {
    title: 'First look at 10,000 prompts of 50 versions, with the details of 10,000 live ones',
    unit: 's',
    digits: 1,
    goals: [],
  },
  lookFirstRequests: { title: 'Its requests', unit: 'requests', digits: 0, goals: [] },
  lookFull: { title: 'Full look at the same, nothing changed', unit: 's', digits: 1, goals: [] },
  lookFullRequests: { title: 'Its requests', unit: 'requests', digits: 0, goals: [] },
  lookMemory: {
    title: 'Peak memory of these looks, beyond that before them',
    unit: 'MB',
    digits: 0,
    goals: [],
  },
  lookHeld: { title: 'The longest that they hold the thread', unit: 'ms', digits: 0, goals: [] },
  lookWeekend: {
    title:
      'Look after 2,000 missed edits of 1,000 prompts, until they are settled, without the wait for webhooks',
    unit: 's',
    digits: 1,
    goals: [],
  },
  lookWeekendRequests: { title: 'Its requests', unit: 'requests', digits: 0, goals: [] },
  list: {
    title: 'Queries of the list: page, middle page and count of every filter',
    unit: 'ms',
    digits: 1,
    goals: [],
  },
  millionAccept: {
    title: 'Accept rate by stored changes, 32 at once',
    unit: 'requests/s',
    digits: 0,
    goals: millionGoals('accept rate'),
  },
  millionList: {
    title: 'List page by stored changes, p50',
    unit: 'ms',
    digits: 1,
    goals: millionGoals('list page'),
  },
  millionDeep: {
    title: 'List by stored changes, hundredth page (tenth of 1,000 changes), p50',
    unit: 'ms',
    digits: 1,
    goals: millionGoals('hundredth page'),
  },
  millionSearch: {
    title: 'Search by stored changes, p50',
    unit: 'ms',
    digits: 1,
    goals: millionGoals('search'),
  },
  millionPages: {
    title: 'Pages at 1,000,000 stored changes, by filter, p50',
    unit: 'ms',
    digits: 1,
    goals: [{ text: 'under 100 ms', by: 'value', most: 100, of: any }],
  },
  millionSeed: { title: 'Bulk seed of the changes above', unit: 's', digits: 0, goals: [] },
} as const satisfies Record<string, Measure>

export type MeasureName = keyof typeof measures

/** Bytes to the MB of the tables above. */
export const megabytes = (bytes: number): number => bytes / 1_000_000

import type { Fact, FactKind } from './change.ts'

/** `bad`: someone should look now; `warn`: soon; `good`: it got better; `accent`: news; `quiet`: nothing to do. */
export type Tone = 'bad' | 'warn' | 'good' | 'accent' | 'quiet'

interface Kind {
  /** What happened, in a word or two, as pages and messages head it. */
  name: string
  /** Colours and severities follow from it. */
  tone: Tone
  /** Traces and scores are gathered into bursts. */
  about: 'prompt' | 'alert' | 'notification' | 'trace' | 'score' | 'callback' | 'relay' | 'unknown'
  /**
   * A new kind must not reach anyone who did not ask for it: it takes `naming-rule`, so that only rules whose `on` names
   * it match. `any-rule`: rules without `on` match it too. `alert-target`: no rule does; `alertTarget` is notified.
   */
  routing: 'any-rule' | 'naming-rule' | 'alert-target'
  /** The `type` of signed webhooks. Once published, a name stays. */
  publicName: `${string}.${string}`
  /** On the pages. */
  icon: string
  /** In messages. */
  emoji: string
}

/** Every kind of fact, the most important first: a change takes the kind of its first fact in this order. */
export const kinds = {
  deleted: {
    name: 'Deleted',
    tone: 'warn',
    about: 'prompt',
    routing: 'any-rule',
    publicName: 'prompt.deleted',
    icon: 'trash',
    emoji: '🗑️',
  },
  'version-created': {
    name: 'New version',
    tone: 'accent',
    about: 'prompt',
    routing: 'any-rule',
    publicName: 'prompt.version_created',
    icon: 'plus',
    emoji: '🆕',
  },
  promoted: {
    name: 'Promoted',
    tone: 'good',
    about: 'prompt',
    routing: 'any-rule',
    publicName: 'prompt.promoted',
    icon: 'up',
    emoji: '🚀',
  },
  'rolled-back': {
    name: 'Rolled back',
    tone: 'warn',
    about: 'prompt',
    routing: 'any-rule',
    publicName: 'prompt.rolled_back',
    icon: 'back',
    emoji: '⏪',
  },
  'label-removed': {
    name: 'Label removed',
    tone: 'warn',
    about: 'prompt',
    routing: 'any-rule',
    publicName: 'prompt.label_removed',
    icon: 'minus',
    emoji: '🏷️',
  },
  'label-added': {
    name: 'Label added',
    tone: 'good',
    about: 'prompt',
    routing: 'any-rule',
    publicName: 'prompt.label_added',
    icon: 'tag',
    emoji: '🏷️',
  },
  'tags-changed': {
    name: 'Tags changed',
    tone: 'quiet',
    about: 'prompt',
    routing: 'any-rule',
    publicName: 'prompt.tags_changed',
    icon: 'hash',
    emoji: '🔖',
  },
  'first-seen': {
    name: 'First seen',
    tone: 'quiet',
    about: 'prompt',
    routing: 'any-rule',
    publicName: 'prompt.first_seen',
    icon: 'eye',
    emoji: '👀',
  },
  alert: {
    name: 'Alert',
    tone: 'bad',
    about: 'alert',
    routing: 'any-rule',
    publicName: 'monitor.alert',
    icon: 'alert',
    emoji: '🔔',
  },
  recovered: {
    name: 'Recovered',
    tone: 'good',
    about: 'alert',
    routing: 'any-rule',
    publicName: 'monitor.recovered',
    icon: 'check',
    emoji: '✅',
  },
  notification: {
    name: 'Notification',
    tone: 'warn',
    about: 'notification',
    routing: 'any-rule',
    publicName: 'project.notification',
    icon: 'bell',
    emoji: '📣',
  },
  'error-trace': {
    name: 'Errors',
    tone: 'bad',
    about: 'trace',
    routing: 'any-rule',
    publicName: 'trace.errors',
    icon: 'alert',
    emoji: '🔥',
  },
  score: {
    name: 'Scores',
    tone: 'warn',
    about: 'score',
    routing: 'any-rule',
    publicName: 'score.matched',
    icon: 'hash',
    emoji: '📊',
  },
  trace: {
    name: 'Traces',
    tone: 'accent',
    about: 'trace',
    routing: 'any-rule',
    publicName: 'trace.matched',
    icon: 'eye',
    emoji: '🔎',
  },
  'trace-callback': {
    name: 'Look requested',
    tone: 'accent',
    about: 'callback',
    routing: 'any-rule',
    publicName: 'trace.callback',
    icon: 'eye',
    emoji: '👉',
  },
  'given-up': {
    name: 'Given up',
    tone: 'bad',
    about: 'relay',
    routing: 'alert-target',
    publicName: 'relay.given_up',
    icon: 'cross',
    emoji: '⛔',
  },
  trouble: {
    name: 'Trouble',
    tone: 'bad',
    about: 'relay',
    routing: 'alert-target',
    publicName: 'relay.trouble',
    icon: 'alert',
    emoji: '⚠️',
  },
  'trouble-over': {
    name: 'Resolved',
    tone: 'good',
    about: 'relay',
    routing: 'alert-target',
    publicName: 'relay.trouble_over',
    icon: 'check',
    emoji: '✅',
  },
  'wrong-project': {
    name: 'Wrong project',
    tone: 'bad',
    about: 'relay',
    routing: 'alert-target',
    publicName: 'relay.wrong_project',
    icon: 'cross',
    emoji: '🚫',
  },
  corrected: {
    name: 'Corrected',
    tone: 'quiet',
    about: 'relay',
    routing: 'alert-target',
    publicName: 'relay.corrected',
    icon: 'equal',
    emoji: '🪞',
  },
  undescribed: {
    name: 'Not described',
    tone: 'bad',
    about: 'relay',
    routing: 'alert-target',
    publicName: 'relay.undescribed',
    icon: 'question',
    emoji: '❔',
  },
  unchanged: {
    name: 'Unchanged',
    tone: 'quiet',
    about: 'prompt',
    routing: 'naming-rule',
    publicName: 'prompt.unchanged',
    icon: 'equal',
    emoji: '▫️',
  },
  unrecognised: {
    name: 'Unrecognised',
    tone: 'quiet',
    about: 'unknown',
    routing: 'naming-rule',
    publicName: 'relay.unrecognised',
    icon: 'question',
    emoji: '❔',
  },
} as const satisfies Record<FactKind, Kind>

export const factKinds = Object.keys(kinds) as FactKind[]

/** While an upgrade rolls, the store may hold a kind that only the newer version knows: it counts as unrecognised. */
export const kindOf = (kind: FactKind): (typeof kinds)[FactKind] => kinds[kind] ?? kinds.unrecognised

/** The kinds that traces and scores are gathered under. */
export type BurstKind = {
  [K in FactKind]: (typeof kinds)[K]['about'] extends 'trace' | 'score' ? K : never
}[FactKind]

export type BurstFact = Extract<Fact, { kind: BurstKind }>

export const isBurstKind = (kind: FactKind): kind is BurstKind =>
  ['trace', 'score'].includes(kindOf(kind).about)

export const isBurst = (fact: Fact): fact is BurstFact => isBurstKind(fact.kind)

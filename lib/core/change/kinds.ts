import type { FactKind } from './change.ts'

/** What happened, in a word or two, as pages and messages head it. */
export const kindNames: Record<FactKind, string> = {
  deleted: 'Deleted',
  'version-created': 'New version',
  promoted: 'Promoted',
  'rolled-back': 'Rolled back',
  'label-removed': 'Label removed',
  'label-added': 'Label added',
  'tags-changed': 'Tags',
  'first-seen': 'First seen',
  alert: 'Alert',
  recovered: 'Recovered',
  notification: 'Notification',
  'error-trace': 'Errors',
  trace: 'Traces',
  score: 'Scores',
  'trace-callback': 'Please look',
  'given-up': 'Given up',
  trouble: 'Trouble',
  'trouble-over': 'Over',
  undescribed: 'Not described',
  unchanged: 'Unchanged',
  unrecognised: 'Unrecognised',
}

import type { Check, CheckState } from '../../core/setup/finding.ts'

export interface CheckGroup {
  title: string
  checks: Check[]
}

const words: Record<CheckState, string> = {
  ok: 'ok',
  problem: 'problem',
  warning: 'warning',
  'not-yet': 'not yet',
}

const many = (count: number, one: string, more: string): string => (count === 1 ? one : `${count} ${more}`)

function linesOf({ title, state, words: finding, fix, at }: Check, paint: Paint): string[] {
  const when = at === null ? '' : ` ${new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')}`
  const first = `  ${paint(state, words[state].padEnd(8))} ${title}: ${finding}${when}`
  return fix === null ? [first] : [first, `           → ${fix}`]
}

/** Colours text by state, in a terminal. */
export type Paint = (state: CheckState, text: string) => string

/** All checks as lines, with a summary at the end. */
export function doctorReport(groups: CheckGroup[], paint: Paint): string[] {
  const checks = groups.flatMap((group) => group.checks)
  const [problems, warnings, open] = (['problem', 'warning', 'not-yet'] as const).map(
    (state) => checks.filter((check) => check.state === state).length,
  )
  const sum = problems ? many(problems, 'One problem.', 'problems.') : 'No problem.'
  const unsure = warnings ? ` ${many(warnings, 'One warning.', 'warnings.')}` : ''
  const left = open ? ` ${many(open, 'One thing is', 'things are')} left to do, or left out on purpose.` : ''
  return [
    ...groups
      .filter((group) => group.checks.length > 0)
      .flatMap((group) => [group.title, ...group.checks.flatMap((check) => linesOf(check, paint)), '']),
    `${paint(problems ? 'problem' : 'ok', sum)}${unsure}${left}`,
  ]
}

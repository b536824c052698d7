import type { Check } from '#lib/core/setup/check.ts'
import { Icon } from '../../_ui/icons.tsx'

const many = (count: number, one: string, more: string): string => (count === 1 ? one : `${count} ${more}`)

/** What of the page needs someone, in a sentence. */
export function Summary({ checks }: { checks: Check[] }) {
  const of = (state: Check['state']) => checks.filter((check) => check.state === state).length
  const [problems, warnings, open] = [of('problem'), of('warning'), of('not-yet')]
  const [look, icon, words] =
    problems > 0
      ? (['text-bad', 'alert', many(problems, '1 issue needs attention.', 'issues need attention.')] as const)
      : warnings > 0
        ? (['text-warn', 'alert', many(warnings, '1 warning.', 'warnings.')] as const)
        : (['text-good', 'check', 'Nothing is in the way.'] as const)
  return (
    <p className="flex flex-wrap items-center gap-x-2 text-soft">
      <span className={`inline-flex items-center gap-1.5 font-medium ${look}`}>
        <Icon name={icon} />
        {words}
      </span>
      {problems > 0 && warnings > 0 ? <span>{many(warnings, '1 warning.', 'warnings.')}</span> : null}
      {open === 0 ? null : <span>{many(open, 'One more is still open.', 'more are still open.')}</span>}
    </p>
  )
}

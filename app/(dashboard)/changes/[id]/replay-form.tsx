import type { ListedDelivery } from '#lib/store/views/dashboard.ts'
import { Icon } from '../../../_ui/icons.tsx'
import { replay } from './actions.ts'

/** Sends again, at once where it did not arrive, after a question where it did: the target would hear it twice. */
export function ReplayForm({
  delivery,
  note,
}: {
  delivery: Pick<ListedDelivery, 'id' | 'status' | 'target'>
  note: string | null
}) {
  const { id, status, target } = delivery
  if (status === 'sending' || status === 'skipped') return null
  const form = (words: string, isMain: boolean) => (
    <form action={replay}>
      <input type="hidden" name="delivery" value={id} />
      {status === 'delivered' ? <input type="hidden" name="again" value="yes" /> : null}
      <button type="submit" data-key="replay" className={isMain ? 'button button-main' : 'button'}>
        <Icon name="retry" className="size-3.5" />
        {words}
      </button>
    </form>
  )
  if (status !== 'delivered') return form(status === 'failed' ? 'Replay' : 'Try now', false)
  return (
    <details className="max-w-full text-right">
      <summary data-key="replay" className="button">
        <Icon name="retry" className="size-3.5" /> Replay …
      </summary>
      <div className="mt-3 max-w-72 rounded-lg bg-raised p-3 text-left text-[13px]">
        <p>This was delivered already. A replay will post to {target} again.</p>
        {note === null ? null : <p className="mt-1.5 text-soft">{note}</p>}
        <div className="mt-3">{form('Post again', true)}</div>
      </div>
    </details>
  )
}

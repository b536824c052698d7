export type Action = 'next' | 'previous' | 'back' | 'search' | 'replay' | 'keys'

const actions: Record<string, Action> = {
  j: 'next',
  k: 'previous',
  Escape: 'back',
  '/': 'search',
  r: 'replay',
  '?': 'keys',
}

interface Press {
  key: string
  ctrlKey: boolean
  metaKey: boolean
  altKey: boolean
  isComposing: boolean
  defaultPrevented: boolean
  target: unknown
}

const fields = 'input, textarea, select, [contenteditable]'

/** Null in fields, with modifiers (those are the browser's own shortcuts), and while a dialog is open. */
export function actionOf(press: Press, isDialogOpen: boolean): Action | null {
  const { key, ctrlKey, metaKey, altKey, isComposing, defaultPrevented, target } = press
  if (isDialogOpen || ctrlKey || metaKey || altKey || isComposing || defaultPrevented) return null
  const element = target as { closest?: (selector: string) => unknown } | null
  if (element?.closest?.(fields)) return null
  return Object.hasOwn(actions, key) ? (actions[key] ?? null) : null
}

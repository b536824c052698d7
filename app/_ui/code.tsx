import { Plain } from './plain.tsx'

/** Text from outside, verbatim. It may scroll, so the keyboard must reach it: hence the tab stop and the name. */
export function Code({ text, name, className = '' }: { text: string; name: string; className?: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must take the focus
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div role="group" aria-label={name} tabIndex={0} className={`code ${className}`}>
      <Plain text={text} lines />
    </div>
  )
}

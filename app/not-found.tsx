import type { Metadata } from 'next'
import { Notice } from './_ui/notice.tsx'

export const metadata: Metadata = { title: 'Not found' }

export default function NotFound() {
  return (
    <Notice title="There is nothing here" action={{ href: '/', words: 'To the changes' }}>
      <p>The address is wrong, or what it showed is gone: old changes are removed after a while.</p>
    </Notice>
  )
}

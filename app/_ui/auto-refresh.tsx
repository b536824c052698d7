'use client'

import { useRouter } from 'next/navigation'
import { useEffect } from 'react'

/** Reloads the page's data while its tab is visible. Without JavaScript, a link does that. */
export function AutoRefresh({ everyMs }: { everyMs: number }) {
  const router = useRouter()
  useEffect(() => {
    const refresh = () => {
      if (document.visibilityState === 'visible') router.refresh()
    }
    const timer = setInterval(refresh, everyMs)
    return () => clearInterval(timer)
  }, [router, everyMs])
  return null
}

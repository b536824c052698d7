import { headers } from 'next/headers'
import { withoutEndSlash } from '#lib/base/url-path.ts'
import type { SetupSeen } from '#lib/core/setup/checks.ts'

/** `PUBLIC_URL`, else the address under which this page was asked for. */
export async function addressSeen(publicUrl: string | undefined): Promise<SetupSeen['address']> {
  if (publicUrl !== undefined) return { url: withoutEndSlash(publicUrl), isSet: true }
  const given = await headers()
  const first = (name: string) => given.get(name)?.split(',')[0]?.trim()
  const host = first('x-forwarded-host') ?? first('host') ?? 'localhost'
  return { url: `${first('x-forwarded-proto') ?? 'http'}://${host}`, isSet: false }
}

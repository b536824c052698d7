import { version } from '../../../../package.json'

export const dynamic = 'force-dynamic'

/**
 * 200 as long as the process answers. What a restart does not fix (a full disk, a database that is away, a wrong
 * variable) is not its business but that of `/api/health`.
 */
export function GET(): Response {
  return Response.json({ status: 'alive', version }, { headers: { 'cache-control': 'no-store' } })
}

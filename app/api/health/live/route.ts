import { version } from '../../../../package.json'

export const dynamic = 'force-dynamic'

/**
 * 200 while the process answers. Whatever a restart does not fix (a full disk, an unreachable database, a wrong
 * variable) is reported by `/api/health` instead.
 */
export function GET(): Response {
  return Response.json({ status: 'alive', version }, { headers: { 'cache-control': 'no-store' } })
}

import { isSameSecret } from '../base/same-secret.ts'

/**
 * Whether a request shows this token; in constant time. The scheme has any case (RFC 9110, §11.1), and stands twice
 * where the scheduler's own copy of the token begins with it.
 */
export function showsToken({ headers }: Request, token: string): boolean {
  const given = headers.get('authorization') ?? ''
  const bare = given.replace(/^(bearer +){1,2}/i, '')
  return isSameSecret(bare, token) && bare !== given
}

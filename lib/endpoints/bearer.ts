import { isSameSecret } from '../base/same-secret.ts'

/**
 * Whether a request has this bearer token, compared in constant time. The scheme is case-insensitive (RFC 9110, §11.1), and
 * appears twice if the scheduler's copy of the token starts with it.
 */
export function showsToken({ headers }: Request, token: string): boolean {
  const given = headers.get('authorization') ?? ''
  const bare = given.replace(/^(bearer +){1,2}/i, '')
  return isSameSecret(bare, token) && bare !== given
}

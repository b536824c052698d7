import { z } from 'zod'
import { visibleLines } from '../../base/visible.ts'
import { cut, oneLine } from '../text.ts'

const refusal = z.object({ message: z.string() })

/** Why GitHub refused, in its own words, a line of 200 characters at most; what came where it is not GitHub's JSON. */
export function githubWords(body: string): string {
  let words = body
  try {
    words = refusal.parse(JSON.parse(body)).message
  } catch {
    // Cut off, or from a proxy.
  }
  return cut(visibleLines(oneLine(words)).trim(), 200)
}

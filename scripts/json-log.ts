/** `node --import`: before Next starts, so that its own first lines are JSON too. Relative, since the container has no `#lib`. */
import { installJsonConsole } from '../lib/base/json-console.ts'

installJsonConsole(console, process, () => new Date())

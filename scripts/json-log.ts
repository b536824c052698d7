/** Loaded by `node --import` before Next, so that even its first lines are JSON. A relative import: the container has no `#lib`. */
import { installJsonConsole } from '../lib/base/json-console.ts'

installJsonConsole(console, process, () => new Date())

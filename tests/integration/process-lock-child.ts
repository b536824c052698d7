/** Enters an SQLite file, and stays without doing anything until it is killed; prints whether it was alone there. */
import { lockProcess } from '#lib/store/process-lock.ts'

const [path = ''] = process.argv.slice(2)
let wasAlone = false
const leave = await lockProcess(path, async () => {
  wasAlone = true
})
process.send?.(wasAlone)
process.on('message', leave)
setInterval(() => {}, 1000)

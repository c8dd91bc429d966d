import { Participant } from "./test/participant.ts";
const a = await Participant.join(process.argv[2]!, "main");
void a.client.closed.then((c) => { console.log("closed", c, "acked", a.acknowledged.size, "of", a.lines().length); process.exit(0); });
for (let i = 0; i < 100; i++) { a.write(`${i} ` + Math.random().toString(36).repeat(20000)); await new Promise(r => setTimeout(r, 10)); }
setTimeout(() => { console.log("never closed", a.acknowledged.size); process.exit(1); }, 5000);

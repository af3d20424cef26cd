// Makes calls of the vendor's client. Each line of standard input names one, and each is answered by a line: JSON both ways.
import { createInterface } from "node:readline";
import { AgentPhoneClient, AgentPhoneError } from "agentphone";

function methods(client) {
  const own = (thing) => Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(thing)));
  const resources = own(client).filter(([, { get }]) => get).map(([name]) => name);
  const called = (name) => own(client[name])
    .filter(([method, { value }]) => typeof value === "function" && method !== "constructor" && !method.startsWith("_"))
    .map(([method]) => method);
  return Object.fromEntries(resources.map((name) => [name, called(name)]));
}

async function outcome({ options, resource, method, args }) {
  const client = new AgentPhoneClient(options);
  if (resource === undefined) return { value: methods(client) };
  try {
    return { value: await client[resource][method](...args) };
  } catch (error) {
    if (!(error instanceof AgentPhoneError)) throw error;
    const { name, message, statusCode, body } = error;
    return { error: { name, message, statusCode, body } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await outcome(JSON.parse(line))) + "\n");
}

// `make demo`: the main job, by real HTTP through a real Envoy, each step timed and checked. Exits 0 only if all came out
// right; whatever happens, nothing it started is left running (unless KEEP=1, and then until Ctrl-C).
import { badTokens, goodCalls, revocations, storeOutage } from "./acts.ts";
import { buildStage, type Stage } from "./stage.ts";
import { startWalk } from "./walk.ts";

const write = (text: string): void => void process.stdout.write(text);
const walk = startWalk(write, process.stdout.isTTY && process.env["NO_COLOR"] === undefined);
const keep = (process.env["KEEP"] ?? "") !== "";

const interrupted = new Promise<"interrupted">((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => resolve("interrupted"));
});

async function play(stage: Stage): Promise<boolean> {
  await goodCalls(stage, walk);
  await badTokens(stage, walk);
  await revocations(stage, walk);
  await storeOutage(stage, walk);
  const right = walk.finish();
  if (!right)
    write(`\nPortcullis wrote:\n${stage.portcullis.output()}\nEnvoy wrote:\n${stage.envoy.process.output()}\n`);
  return right;
}

function urls(stage: Stage): string {
  return `
Left running until Ctrl-C:
  Envoy     ${stage.envoy.url}         (try: curl -i ${stage.envoy.url}/api/orders)
  issuer    ${stage.issuer.issuer}         (token: curl -d 'username=alice&password=wonderland' ${stage.issuer.issuer}/token)
  control   ${stage.controlUrl}         (bootstrap token in ${stage.tokenFile})
  ops       ${stage.opsUrl}/status
  revoke    PORTCULLIS_CONTROL_URL=${stage.controlUrl} PORTCULLIS_TOKEN=$(cat ${stage.tokenFile}) bin/portcullis revoke user alice --reason test
`;
}

async function run(): Promise<number> {
  write("Starting an issuer, an upstream, portcullis dev and a real Envoy …\n");
  const building = buildStage();
  const stage = await Promise.race([building, interrupted]);
  if (stage === "interrupted") {
    await building.then((built) => built.strike());
    return 130;
  }
  try {
    const right = await Promise.race([play(stage), interrupted]);
    if (right === "interrupted") return 130;
    if (keep) {
      write(urls(stage));
      await interrupted;
    }
    return right ? 0 : 1;
  } finally {
    await stage.strike();
  }
}

process.exit(await run());

// webernetes at the work that it can do as well: starting a cluster, and a Deployment from apply until all replicas are
// ready. Its clock is stepped as fast as its own work allows, which is what speed "max" is here.

import { BaseImage, Cluster } from "@ngrok/webernetes";

/** A server that never ends, as nginx is. */
class Server extends BaseImage {
  static imageName = "nginx";
  static imageVersion = "1";
  defaultCommand = ["server"];

  async exec(context) {
    context.listenHttp(80, async () => ({ statusCode: 200, body: "" }));
    return await context.waitUntilKilled();
  }
}

const STEP_MILLISECONDS = 50;
const LIMIT_MILLISECONDS = 180_000;

function deployment(replicas) {
  const labels = { app: "load" };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "load", namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "nginx", image: "nginx:1" }] } },
    },
  };
}

async function ready(cluster, replicas) {
  const found = await cluster.api.appsv1.readNamespacedDeployment({ name: "load", namespace: "default" });
  return found.status?.readyReplicas === replicas;
}

/** Milliseconds to start, and seconds until the replicas are ready; NaN when they are not in time. */
async function measure(replicas) {
  let start = performance.now();
  const cluster = new Cluster({ nodes: 3 });
  cluster.registerImage(Server);
  await cluster.init();
  const boot = performance.now() - start;
  cluster.pause();
  start = performance.now();
  await cluster.apply([deployment(replicas)]);
  while (!(await ready(cluster, replicas))) {
    if (performance.now() - start > LIMIT_MILLISECONDS) return [boot, NaN];
    cluster.clock.step(STEP_MILLISECONDS);
    await new Promise((done) => setImmediate(done));
  }
  return [boot, (performance.now() - start) / 1000];
}

const print = (name, value, unit) => console.log(JSON.stringify({ name, value: Number(value.toFixed(3)), unit }));
await measure(10);
for (const replicas of [30, 300]) {
  const [boot, seconds] = await measure(replicas);
  print("boot", boot, "ms");
  print(`${replicas} replicas from apply to Ready`, seconds, "s");
}
process.exit(0);

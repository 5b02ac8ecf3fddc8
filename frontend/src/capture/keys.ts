// What proves to the server who speaks: the key that uploads carry, and the token of the page's other requests. A page
// that was left open longer than they live gets new ones, as long as its person is signed in.
import { csrf, start } from "./start";

export const keys = { upload: start.token, csrf };

export async function renewKeys(): Promise<"renewed" | "signed-out" | "unknown"> {
  try {
    const answer = await fetch(`/interventions/${start.intervention}/upload-token`, { headers: { Accept: "application/json" } });
    if (answer.redirected || answer.status === 401) return "signed-out";
    if (!answer.ok) return "unknown";
    const fresh = (await answer.json()) as { token: string; csrf: string };
    Object.assign(keys, { upload: fresh.token, csrf: fresh.csrf });
    return "renewed";
  } catch {
    return "unknown"; // no network
  }
}

/** Names and values of nested data as flat text: `test.auc` → `0.993`. Bounded: what a file says can be large. */
export function flatFacts(data: unknown, most = 200): Array<[string, string]> {
  const out: Array<[string, string]> = [];
  const walk = (value: unknown, name: string, depth: number) => {
    if (out.length >= most) return;
    if (value && typeof value === "object" && depth < 6) {
      const entries = Object.entries(value);
      if (Array.isArray(value) && value.every((one) => typeof one !== "object")) out.push([name, value.slice(0, 50).join(", ")]);
      else entries.forEach(([key, one]) => walk(one, name ? `${name}.${key}` : key, depth + 1));
    } else if (name) {
      out.push([name, typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(5))) : String(value)]);
    }
  };
  walk(data, "", 0);
  return out;
}

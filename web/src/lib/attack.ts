import { SUB_NAMES } from "./subtechniques";

// ATT&CK Enterprise as the platform sorts it: a technique's first tactic (src/alert/tactics.def, which
// a test compares with this) and its name. A sub-technique has its parent's tactic.

/** In the order of the matrix. */
export const TACTICS = [
  "Initial Access",
  "Execution",
  "Persistence",
  "Privilege Escalation",
  "Defense Evasion",
  "Credential Access",
  "Discovery",
  "Lateral Movement",
  "Collection",
  "Command and Control",
  "Exfiltration",
  "Impact",
] as const;
export type Tactic = (typeof TACTICS)[number];

export interface Technique {
  id: string;
  name: string;
  tactic: Tactic;
}

const NAMES: Record<Tactic, Record<string, string>> = {
  "Initial Access": {
    T1190: "Exploit Public-Facing Application",
  },
  Execution: {
    T1047: "Windows Management Instrumentation",
    T1053: "Scheduled Task/Job",
    T1059: "Command and Scripting Interpreter",
    T1106: "Native API",
    T1203: "Exploitation for Client Execution",
    T1204: "User Execution",
    T1569: "System Services",
  },
  Persistence: {
    T1037: "Boot or Logon Initialization Scripts",
    T1098: "Account Manipulation",
    T1136: "Create Account",
    T1137: "Office Application Startup",
    T1505: "Server Software Component",
    T1543: "Create or Modify System Process",
    T1546: "Event Triggered Execution",
    T1547: "Boot or Logon Autostart Execution",
  },
  "Privilege Escalation": {
    T1068: "Exploitation for Privilege Escalation",
    T1611: "Escape to Host",
  },
  "Defense Evasion": {
    T1006: "Direct Volume Access",
    T1014: "Rootkit",
    T1027: "Obfuscated Files or Information",
    T1036: "Masquerading",
    T1055: "Process Injection",
    T1070: "Indicator Removal",
    T1078: "Valid Accounts",
    T1112: "Modify Registry",
    T1127: "Trusted Developer Utilities Proxy Execution",
    T1134: "Access Token Manipulation",
    T1140: "Deobfuscate/Decode Files or Information",
    T1197: "BITS Jobs",
    T1202: "Indirect Command Execution",
    T1207: "Rogue Domain Controller",
    T1216: "System Script Proxy Execution",
    T1218: "System Binary Proxy Execution",
    T1220: "XSL Script Processing",
    T1222: "File and Directory Permissions Modification",
    T1497: "Virtualization/Sandbox Evasion",
    T1548: "Abuse Elevation Control Mechanism",
    T1550: "Use Alternate Authentication Material",
    T1553: "Subvert Trust Controls",
    T1562: "Impair Defenses",
    T1564: "Hide Artifacts",
    T1574: "Hijack Execution Flow",
    T1610: "Deploy Container",
    T1620: "Reflective Code Loading",
  },
  "Credential Access": {
    T1003: "OS Credential Dumping",
    T1040: "Network Sniffing",
    T1110: "Brute Force",
    T1552: "Unsecured Credentials",
    T1555: "Credentials from Password Stores",
    T1556: "Modify Authentication Process",
    T1558: "Steal or Forge Kerberos Tickets",
    T1649: "Steal or Forge Authentication Certificates",
  },
  Discovery: {
    T1007: "System Service Discovery",
    T1010: "Application Window Discovery",
    T1012: "Query Registry",
    T1016: "System Network Configuration Discovery",
    T1018: "Remote System Discovery",
    T1033: "System Owner/User Discovery",
    T1046: "Network Service Discovery",
    T1049: "System Network Connections Discovery",
    T1057: "Process Discovery",
    T1069: "Permission Groups Discovery",
    T1082: "System Information Discovery",
    T1083: "File and Directory Discovery",
    T1087: "Account Discovery",
    T1120: "Peripheral Device Discovery",
    T1124: "System Time Discovery",
    T1135: "Network Share Discovery",
    T1201: "Password Policy Discovery",
    T1217: "Browser Information Discovery",
    T1482: "Domain Trust Discovery",
    T1518: "Software Discovery",
    T1613: "Container and Resource Discovery",
    T1615: "Group Policy Discovery",
  },
  "Lateral Movement": {
    T1021: "Remote Services",
    T1563: "Remote Service Session Hijacking",
    T1570: "Lateral Tool Transfer",
  },
  Collection: {
    T1005: "Data from Local System",
    T1056: "Input Capture",
    T1074: "Data Staged",
    T1113: "Screen Capture",
    T1114: "Email Collection",
    T1115: "Clipboard Data",
    T1119: "Automated Collection",
    T1123: "Audio Capture",
    T1125: "Video Capture",
    T1557: "Adversary-in-the-Middle",
    T1560: "Archive Collected Data",
  },
  "Command and Control": {
    T1071: "Application Layer Protocol",
    T1090: "Proxy",
    T1095: "Non-Application Layer Protocol",
    T1102: "Web Service",
    T1105: "Ingress Tool Transfer",
    T1219: "Remote Access Tools",
    T1571: "Non-Standard Port",
    T1572: "Protocol Tunneling",
  },
  Exfiltration: {
    T1041: "Exfiltration Over C2 Channel",
    T1048: "Exfiltration Over Alternative Protocol",
    T1567: "Exfiltration Over Web Service",
  },
  Impact: {
    T1485: "Data Destruction",
    T1486: "Data Encrypted for Impact",
    T1489: "Service Stop",
    T1490: "Inhibit System Recovery",
    T1496: "Resource Hijacking",
    T1529: "System Shutdown/Reboot",
    T1531: "Account Access Removal",
  },
};

export const TECHNIQUES: ReadonlyMap<string, Technique> = new Map(
  TACTICS.flatMap((tactic) => Object.entries(NAMES[tactic]).map(([id, name]) => [id, { id, name, tactic }] as const)),
);

/** T1059.001 → T1059. */
export function baseTechnique(id: string): string {
  return id.split(".", 1)[0]!;
}

/** The parent's name for a sub-technique; null for what is not known here. */
export function techniqueName(id: string): string | null {
  const parent = TECHNIQUES.get(baseTechnique(id))?.name ?? null;
  const own = SUB_NAMES[id];
  return own && parent ? `${parent}: ${own}` : parent;
}

export function tacticOf(id: string): Tactic | null {
  return TECHNIQUES.get(baseTechnique(id))?.tactic ?? null;
}

export interface Counted {
  technique: string;
  tactic: string | null;
  attacks: number;
  hosts: number;
}

export interface MatrixColumn<Row extends Counted> {
  tactic: string;
  rows: Array<Row | { technique: string; tactic: string; attacks: 0; hosts: 0 }>;
  /** Technique sightings, not attacks: one verdict may show several techniques. */
  sightings: number;
}

/** A column per tactic, the most seen first; `all` adds the known ones that were not seen. */
export function matrix<Row extends Counted>(seen: readonly Row[], all: boolean): MatrixColumn<Row>[] {
  const OTHER = "Other";
  const columns = new Map<string, MatrixColumn<Row>>();
  for (const tactic of TACTICS) columns.set(tactic, { tactic, rows: [], sightings: 0 });
  const has = new Set<string>();
  for (const row of seen) {
    const tactic = row.tactic ?? tacticOf(row.technique) ?? OTHER;
    const column = columns.get(tactic) ?? { tactic, rows: [], sightings: 0 };
    columns.set(tactic, column);
    column.rows.push(row);
    column.sightings += row.attacks;
    has.add(row.technique).add(baseTechnique(row.technique));
  }
  if (all) {
    for (const one of TECHNIQUES.values()) {
      if (!has.has(one.id)) columns.get(one.tactic)!.rows.push({ technique: one.id, tactic: one.tactic, attacks: 0, hosts: 0 });
    }
  }
  for (const column of columns.values()) {
    column.rows.sort((a, b) => b.attacks - a.attacks || (a.technique < b.technique ? -1 : 1));
  }
  return [...columns.values()];
}

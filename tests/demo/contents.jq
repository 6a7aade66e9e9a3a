# What devices hold against what was asked for them: every component with its
# config, files, certificate, chain and anchors, and each secret's length.
#   jq -n -r --slurpfile template T.json --slurpfile asked requests.jsonl
#     --slurpfile results results.jsonl --rawfile chain chain.pem
#     --arg authority NAME -f contents.jq shown.jsonl
# shown.jsonl: the output of `provdev show' of each device. chain.pem: issuer
# first, root last. One line for each difference, and "N devices compared" last.

def ders:
  split("-----BEGIN CERTIFICATE-----")[1:]
  | map(split("-----END")[0] | gsub("\n"; ""));

def put_in($device; $fields):
  walk(if type == "string" then
    reduce ($fields | to_entries[]) as $f (
      gsub("\\$\\{device\\.id\\}"; $device)
      | gsub("\\$\\{authority\\.name\\}"; $authority);
      gsub("\\$\\{device\\." + $f.key + "\\}"; $f.value))
  else . end);

def flag($name; $value):
  if .content[$name] then {($name): $value} else {} end;

def expected($device; $fields; $certificate; $cas):
  map_values(
    (flag("certificate"; $certificate)
     + flag("chain"; $cas[:-1])
     + (if .content.trust_anchors then {anchors: $cas[-1:]} else {} end)
     + (if .content.private_key then {key: true} else {} end)
     + (if .config then {config: (.config | put_in($device; $fields))}
        else {} end)
     + (if .secrets then {secrets: (.secrets | map_values(
          {bytes: (.random.bytes // 32)}))} else {} end)
     + (if .files then {files: (.files | map_values({bytes:
          ((.utf8 // "") | put_in($device; $fields) | utf8bytelength)}))}
        else {} end)));

# A private key's length is its encoding's business.
def shown: .components | map_values(if .key then .key = (.key.bytes > 100)
  else . end);

($chain | ders) as $cas
| $template[0] as $t
| (reduce $asked[] as $a ({}; .[$a.device] = ($a.fields // {}))) as $fields
| (reduce $results[] as $r ({}; .[$r.device] = $r)) as $by
| reduce inputs as $s ({n: 0, bad: []};
    ($by[$s.device].certificate // "" | ders[0]) as $certificate
    | ($t.components
       | expected($s.device; $fields[$s.device]; $certificate; $cas)) as $want
    | .n += 1
    | if ($s | shown) != $want then .bad += ["\($s.device): holds "
        + "\($s | shown | tojson), asked for \($want | tojson)"]
      elif $s.seq != 1 then .bad += ["\($s.device): seq \($s.seq)"]
      else . end)
| .bad[], "\(.n) devices compared, \(.bad | length) differ"

# Shows what is on the standard input in a window of Windows, and writes what its owner answers. Return and Escape press
# the button that says no.
$ErrorActionPreference = 'Stop'
Add-Type -AssemblyName System.Windows.Forms
Add-Type -AssemblyName System.Drawing
$reader = New-Object System.IO.StreamReader([Console]::OpenStandardInput(), [System.Text.Encoding]::UTF8)
$text = $reader.ReadToEnd() -replace "`n", "`r`n"

$form = New-Object System.Windows.Forms.Form
$form.Text = 'opendesk: may a controller do this?'
$form.ClientSize = New-Object System.Drawing.Size(760, 480)
$form.StartPosition = 'CenterScreen'
$form.TopMost = $true

$box = New-Object System.Windows.Forms.TextBox
$box.Multiline = $true
$box.ReadOnly = $true
$box.WordWrap = $true
$box.ScrollBars = 'Vertical'
$box.MaxLength = 0
$box.Font = New-Object System.Drawing.Font('Consolas', 10)
$box.Text = $text
$box.SetBounds(12, 12, 736, 412)
$box.Anchor = 'Top, Bottom, Left, Right'
$box.TabIndex = 1

$deny = New-Object System.Windows.Forms.Button
$deny.Text = 'Deny'
$deny.SetBounds(552, 436, 92, 32)
$deny.Anchor = 'Bottom, Right'
$deny.DialogResult = [System.Windows.Forms.DialogResult]::No
$deny.TabIndex = 0

$allow = New-Object System.Windows.Forms.Button
$allow.Text = 'Allow'
$allow.SetBounds(656, 436, 92, 32)
$allow.Anchor = 'Bottom, Right'
$allow.DialogResult = [System.Windows.Forms.DialogResult]::Yes
$allow.TabIndex = 2

$form.Controls.AddRange(@($deny, $box, $allow))
$form.AcceptButton = $deny
$form.CancelButton = $deny
$answer = $form.ShowDialog()
if ($answer -eq [System.Windows.Forms.DialogResult]::Yes) { [Console]::Out.Write('allowed') } else { [Console]::Out.Write('denied') }
